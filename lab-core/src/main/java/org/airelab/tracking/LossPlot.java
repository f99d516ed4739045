package org.airelab.tracking;

import java.awt.AWTError;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Stroke;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.DoubleStream;
import javax.imageio.ImageIO;
import org.airelab.base.AtomicFiles;
import org.airelab.base.IoReasons;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.SeriesRenderingOrder;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.chart.title.LegendTitle;
import org.jfree.chart.title.TextTitle;
import org.jfree.chart.ui.HorizontalAlignment;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.chart.ui.RectangleInsets;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/**
 * loss.png: the training loss of every step, the same smoothed, the validation loss, and the entropy floor where it is
 * known, drawn from metrics.jsonl. The loss axis is logarithmic when the loss fell far, so that late progress shows.
 */
public final class LossPlot {
    private static final int WIDTH = 1200;
    private static final int HEIGHT = 800;
    /** Points to either side that smoothing takes in, as a share of all. */
    private static final double SMOOTHING = 0.02;
    /** The ratio of greatest to least loss from which on the axis is logarithmic. */
    private static final double LOGARITHMIC_FROM = 2.5;
    private static final Color TRAIN_LIGHT = new Color(0xB9CDE8);
    private static final Color TRAIN = new Color(0x1F4E9C);
    private static final Color VALIDATION = new Color(0xD9621E);
    private static final Color FLOOR = new Color(0x4A4A4A);
    private static final Color GRID = new Color(0xE4E4E4);
    private static final Color INK = new Color(0x222222);
    private static final Stroke DASHED = new BasicStroke(2f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1f,
            new float[] {9f, 6f}, 0f);

    private final List<XYSeries> series = new ArrayList<>();
    private final XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer();

    private LossPlot() {
    }

    /**
     * Draws the picture, whole or not at all.
     *
     * @param metricsJsonl what {@link MetricsWriter} wrote: its {@code train_loss} and {@code val_loss}
     * @param entropyFloor in nats per token
     * @param title        such as the run's name
     * @param warn         told in one sentence why there is no picture, as on a machine without fonts
     */
    public static void write(Path metricsJsonl, OptionalDouble entropyFloor, String title, Path png,
            Consumer<String> warn) {
        try {
            Series train = Series.read(metricsJsonl, MetricsWriter.TRAIN_LOSS).finite();
            Series validation = Series.read(metricsJsonl, MetricsWriter.VAL_LOSS).finite();
            if (train.size() + validation.size() == 0) {
                warn.accept("There is no picture of the loss: " + metricsJsonl + " has no finite loss.");
                return;
            }
            System.setProperty("java.awt.headless", "true");
            BufferedImage image = new LossPlot().chart(train, validation, entropyFloor, title)
                    .createBufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB, null);
            AtomicFiles.write(png, temporary -> {
                if (!ImageIO.write(image, "png", temporary.toFile())) {
                    throw new IOException("this Java cannot write PNG");
                }
            });
        } catch (IOException e) {
            warn.accept("There is no picture of the loss in " + png + ": " + IoReasons.of(e) + ".");
        } catch (RuntimeException | LinkageError | InternalError | AWTError e) {
            // Java's drawing fails in all these ways where fontconfig, fonts or native libraries are missing.
            warn.accept("There is no picture of the loss in " + png + ": Java cannot draw text here (" + e
                    + "); install fontconfig and a font such as fonts-dejavu-core.");
        }
    }

    private JFreeChart chart(Series train, Series validation, OptionalDouble floor, String title) {
        boolean smooth = train.size() >= 20;
        Series smoothed = train.smoothed((int) Math.ceil(SMOOTHING * train.size()));
        renderer.setLegendLine(new Line2D.Double(-20, 0, 20, 0));
        // The first series lies on top.
        if (floor.isPresent()) {
            long first = Math.min(first(train, Long.MAX_VALUE), first(validation, Long.MAX_VALUE));
            long last = Math.max(last(train), last(validation));
            double level = floor.getAsDouble();
            add(String.format(Locale.ROOT, "entropy floor: %.3f", level),
                    new Series(new long[] {first, last}, new double[] {level, level}), FLOOR, DASHED, 0);
        }
        if (validation.size() > 0) {
            add(String.format(Locale.ROOT, "validation: %.3f at the end", validation.values()[validation.size() - 1]),
                    validation, VALIDATION, new BasicStroke(1.1f), validation.size() <= 60 ? 9 : 5);
        }
        if (smooth) {
            add("training, smoothed", smoothed.thinned(WIDTH), TRAIN,
                    new BasicStroke(2.6f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND), 0);
        }
        if (train.size() > 0) {
            add("training, each step", train.thinned(WIDTH), smooth ? TRAIN_LIGHT : TRAIN, new BasicStroke(1.2f),
                    train.size() == 1 ? 7 : 0);
        }
        XYSeriesCollection data = new XYSeriesCollection();
        series.forEach(data::addSeries);
        XYPlot plot = new XYPlot(data, stepAxis(), lossAxis(train, validation, floor), renderer);
        plot.setSeriesRenderingOrder(SeriesRenderingOrder.REVERSE);
        plot.setBackgroundPaint(Color.WHITE);
        plot.setDomainGridlinePaint(GRID);
        plot.setRangeGridlinePaint(GRID);
        plot.setDomainGridlineStroke(new BasicStroke(1f));
        plot.setRangeGridlineStroke(new BasicStroke(1f));
        plot.setOutlineVisible(false);
        plot.setAxisOffset(new RectangleInsets(0, 0, 0, 0));
        return decorated(new JFreeChart(null, null, plot, false), plot, title);
    }

    private static JFreeChart decorated(JFreeChart chart, XYPlot plot, String title) {
        TextTitle heading = new TextTitle(title, new Font(Font.SANS_SERIF, Font.BOLD, 24));
        heading.setPaint(INK);
        heading.setMargin(4, 8, 8, 8);
        chart.setTitle(heading);
        LegendTitle legend = new LegendTitle(plot);
        legend.setItemFont(new Font(Font.SANS_SERIF, Font.PLAIN, 17));
        legend.setItemPaint(INK);
        legend.setItemLabelPadding(new RectangleInsets(2, 4, 2, 18));
        legend.setPosition(RectangleEdge.TOP);
        legend.setHorizontalAlignment(HorizontalAlignment.CENTER);
        legend.setBackgroundPaint(Color.WHITE);
        chart.addSubtitle(legend);
        chart.setBackgroundPaint(Color.WHITE);
        chart.setPadding(new RectangleInsets(14, 14, 12, 30));
        chart.setAntiAlias(true);
        chart.setTextAntiAlias(true);
        return chart;
    }

    private void add(String name, Series points, Color color, Stroke stroke, double diameter) {
        XYSeries line = new XYSeries(name, false, true);
        for (int i = 0; i < points.size(); i++) {
            line.add(points.steps()[i], points.values()[i]);
        }
        int index = series.size();
        series.add(line);
        renderer.setSeriesPaint(index, color);
        renderer.setSeriesStroke(index, stroke);
        renderer.setSeriesLinesVisible(index, true);
        renderer.setSeriesShapesVisible(index, diameter > 0);
        renderer.setSeriesShape(index, new Ellipse2D.Double(-diameter / 2, -diameter / 2, diameter, diameter));
    }

    private static ValueAxis stepAxis() {
        NumberAxis axis = new NumberAxis("step");
        axis.setStandardTickUnits(NumberAxis.createIntegerTickUnits());
        axis.setNumberFormatOverride(new DecimalFormat("#,##0", DecimalFormatSymbols.getInstance(Locale.ROOT)));
        axis.setAutoRangeIncludesZero(false);
        axis.setLowerMargin(0.01);
        axis.setUpperMargin(0.01);
        return styled(axis);
    }

    private static ValueAxis lossAxis(Series train, Series validation, OptionalDouble floor) {
        double[] all = DoubleStream.concat(Arrays.stream(train.values()),
                Arrays.stream(validation.values())).sorted().toArray();
        // A spike must not press everything else flat; the loss at the start is no spike.
        double usual = Math.max(Math.abs(all[(int) (0.99 * (all.length - 1))]),
                train.size() == 0 ? 0 : Math.abs(train.values()[0]));
        double greatest = Math.min(all[all.length - 1], 1.5 * usual);
        double least = Math.min(all[0], floor.orElse(all[0]));
        greatest = Math.max(greatest, least);
        if (least > 0 && greatest / least >= LOGARITHMIC_FROM) {
            RoundLogAxis axis = new RoundLogAxis("loss (nats per token, logarithmic)");
            double margin = Math.pow(greatest / least, 0.04);
            axis.setRange(least / margin, greatest * margin);
            return styled(axis);
        }
        NumberAxis axis = new NumberAxis("loss (nats per token)");
        double margin = greatest > least ? 0.04 * (greatest - least) : 0.05 * Math.max(Math.abs(least), 1e-3);
        axis.setRange(least - margin, greatest + margin);
        return styled(axis);
    }

    private static ValueAxis styled(ValueAxis axis) {
        axis.setLabelFont(new Font(Font.SANS_SERIF, Font.PLAIN, 19));
        axis.setTickLabelFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
        axis.setLabelPaint(INK);
        axis.setTickLabelPaint(INK);
        axis.setAxisLinePaint(INK);
        axis.setTickMarkPaint(INK);
        return axis;
    }

    private static long first(Series points, long otherwise) {
        return points.size() == 0 ? otherwise : points.steps()[0];
    }

    private static long last(Series points) {
        return points.size() == 0 ? Long.MIN_VALUE : points.steps()[points.size() - 1];
    }
}
