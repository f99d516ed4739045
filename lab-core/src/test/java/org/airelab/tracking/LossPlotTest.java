package org.airelab.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LossPlotTest {
    private static final int TRAIN = 0x1F4E9C;
    private static final int VALIDATION = 0xD9621E;
    private static final int FLOOR = 0x4A4A4A;

    @TempDir
    private Path folder;

    private final List<String> warnings = new ArrayList<>();

    private BufferedImage draw(int steps, IntToDoubleFunction loss, int validEvery, OptionalDouble floor)
            throws IOException {
        Path metrics = folder.resolve("metrics.jsonl");
        try (MetricsWriter writer = MetricsWriter.create(metrics)) {
            for (int step = 1; step <= steps; step++) {
                Map<String, Double> values = new HashMap<>();
                values.put(MetricsWriter.TRAIN_LOSS, loss.applyAsDouble(step));
                if (validEvery > 0 && step % validEvery == 0) {
                    values.put(MetricsWriter.VAL_LOSS, loss.applyAsDouble(step) + 0.03);
                }
                writer.write(step, step, values);
            }
        }
        Path png = folder.resolve("loss.png");
        LossPlot.write(metrics, floor, "quickstart on synthetic stories", png, warnings::add);
        assumeTrue(warnings.stream().noneMatch(warning -> warning.contains("fontconfig")), "skipped: no fonts here");
        assertEquals(List.of(), warnings);
        BufferedImage image = ImageIO.read(png.toFile());
        assertEquals(1200, image.getWidth());
        assertEquals(800, image.getHeight());
        assertEquals(0xFFFFFF, image.getRGB(2, 2) & 0xFFFFFF, "white around");
        return image;
    }

    private static double fall(int step, double from, double to, Random noise) {
        return to + (from - to) * Math.pow(1 + step / 15.0, -0.9) + 0.05 * noise.nextGaussian();
    }

    /** The rows and columns of the plot in which a colour appears, below the legend. */
    private static int[] extent(BufferedImage image, int color) {
        int[] extent = {Integer.MAX_VALUE, -1, Integer.MAX_VALUE, -1};
        for (int y = 130; y < 730; y++) {
            for (int x = 88; x < 1190; x++) {
                if ((image.getRGB(x, y) & 0xFFFFFF) == color) {
                    extent[0] = Math.min(extent[0], x);
                    extent[1] = Math.max(extent[1], x);
                    extent[2] = Math.min(extent[2], y);
                    extent[3] = Math.max(extent[3], y);
                }
            }
        }
        return extent;
    }

    @Test
    void showsAllThatIsKnown() throws IOException {
        Random noise = new Random(1);
        BufferedImage image = draw(600, step -> fall(step, 6.24, 1.4, noise), 50, OptionalDouble.of(1.39));
        int[] train = extent(image, TRAIN);
        int[] validation = extent(image, VALIDATION);
        int[] floor = extent(image, FLOOR);
        assertTrue(train[1] - train[0] > 900, "the curve spans the plot");
        assertTrue(train[3] - train[2] > 400, "and falls through it");
        assertTrue(validation[1] > 1100 && validation[2] > train[2], "validation reaches the end");
        assertTrue(floor[1] - floor[0] > 900 && floor[3] - floor[2] <= 3,
                "the floor is level: " + Arrays.toString(floor));
        assertTrue(floor[2] > train[2] && floor[3] >= train[3] - 15, "and lies below the curve");
    }

    @Test
    void everyKindOfRunGivesAPicture() throws IOException {
        draw(1, _ -> 3, 0, OptionalDouble.empty());
        draw(1, _ -> 3, 1, OptionalDouble.of(3));
        draw(5, _ -> 0, 2, OptionalDouble.of(0));
        draw(100, step -> step % 7 == 0 ? Double.NaN : 2.5 + 1e-9 * step, 10, OptionalDouble.empty());
        draw(30, step -> -step, 10, OptionalDouble.empty());
        draw(20_000, step -> 1e-3 + 1.0 / step, 100, OptionalDouble.of(5e-4));
        BufferedImage image = draw(500, step -> step == 400 ? 1e8 : 2 + 1.0 / step, 0, OptionalDouble.empty());
        assertTrue(extent(image, TRAIN)[3] - extent(image, TRAIN)[2] > 100, "a spike does not press the rest flat");
    }

    @Test
    void withoutALossThereIsASentence() throws IOException {
        Path png = folder.resolve("loss.png");
        Path metrics = Files.writeString(folder.resolve("m.jsonl"), "{\"step\":1,\"train_loss\":\"NaN\"}\n");
        LossPlot.write(metrics, OptionalDouble.empty(), "t", png, warnings::add);
        LossPlot.write(folder.resolve("none"), OptionalDouble.empty(), "t", png, warnings::add);
        Path full = Files.writeString(folder.resolve("full.jsonl"), "{\"step\":1,\"train_loss\":3}\n");
        LossPlot.write(full, OptionalDouble.empty(), "t", metrics.resolve("loss.png"), warnings::add);
        assertEquals(3, warnings.size());
        assertTrue(warnings.getFirst().contains("has no finite loss"), warnings.getFirst());
        assertFalse(Files.exists(png));
    }

    @Test
    void ticksAreRoundAndFew() {
        assertEquals(List.of(1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0),
                RoundLogAxis.roundValues(1.3, 6.5));
        assertEquals(List.of(0.1, 1.0, 10.0, 100.0, 1000.0), RoundLogAxis.roundValues(0.08, 1500).stream()
                .filter(List.of(0.1, 1.0, 10.0, 100.0, 1000.0)::contains).toList());
        for (double[] range : new double[][] {{1, 2.6}, {0.5, 7}, {1e-4, 10}, {1e-6, 1e6}, {2.1, 5.3}}) {
            int count = RoundLogAxis.roundValues(range[0], range[1]).size();
            assertTrue(count >= 2 && count <= 13, count + " ticks from " + range[0] + " to " + range[1]);
        }
    }
}
