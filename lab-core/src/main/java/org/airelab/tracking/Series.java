package org.airelab.tracking;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.airelab.base.Json;

/**
 * One metric over the steps of a run.
 *
 * @param steps  ascending as written
 * @param values as many; NaN and the infinities among them where the run had them
 */
record Series(long[] steps, double[] values) {
    /** Reads the lines of a metrics.jsonl that have this metric; damaged lines are passed over. */
    static Series read(Path metricsJsonl, String name) throws IOException {
        long[] steps = new long[1024];
        double[] values = new double[1024];
        int count = 0;
        String mark = '"' + name + '"';
        try (var lines = new BufferedReader(new InputStreamReader(Files.newInputStream(metricsJsonl),
                StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode entry = line.contains(mark) ? parse(line) : null;
                if (entry == null || !entry.path("step").isIntegralNumber() || !isNumber(entry.path(name))) {
                    continue;
                }
                if (count == steps.length) {
                    steps = Arrays.copyOf(steps, 2 * count);
                    values = Arrays.copyOf(values, 2 * count);
                }
                steps[count] = entry.path("step").longValue();
                values[count++] = number(entry.path(name));
            }
        }
        return new Series(Arrays.copyOf(steps, count), Arrays.copyOf(values, count));
    }

    /** The points whose value is finite. */
    Series finite() {
        long[] finiteSteps = new long[steps.length];
        double[] finiteValues = new double[steps.length];
        int count = 0;
        for (int i = 0; i < steps.length; i++) {
            if (Double.isFinite(values[i])) {
                finiteSteps[count] = steps[i];
                finiteValues[count++] = values[i];
            }
        }
        return new Series(Arrays.copyOf(finiteSteps, count), Arrays.copyOf(finiteValues, count));
    }

    /**
     * A centred moving average, which does not lag behind as an exponential one does. Its window is narrow at the
     * start, where a loss falls steeply, and is cut at the end.
     *
     * @param reach points to either side that count, where there are as many
     */
    Series smoothed(int reach) {
        int size = values.length;
        double[] sums = new double[size + 1];
        for (int i = 0; i < size; i++) {
            sums[i + 1] = sums[i] + values[i];
        }
        double[] smooth = new double[size];
        for (int i = 0; i < size; i++) {
            int near = Math.min(reach, i / 5);
            int begin = i - near;
            int end = Math.min(size, i + near + 1);
            smooth[i] = (sums[end] - sums[begin]) / (end - begin);
        }
        return new Series(steps, smooth);
    }

    /** At most {@code 2 * buckets} points that look the same when drawn: each bucket's least and greatest. */
    Series thinned(int buckets) {
        int size = steps.length;
        if (size <= 2 * buckets) {
            return this;
        }
        long[] thinSteps = new long[2 * buckets];
        double[] thinValues = new double[2 * buckets];
        for (int bucket = 0; bucket < buckets; bucket++) {
            int begin = (int) ((long) size * bucket / buckets);
            int end = (int) ((long) size * (bucket + 1) / buckets);
            int least = begin;
            int greatest = begin;
            for (int i = begin; i < end; i++) {
                least = values[i] < values[least] ? i : least;
                greatest = values[i] > values[greatest] ? i : greatest;
            }
            int first = Math.min(least, greatest);
            int second = Math.max(least, greatest);
            thinSteps[2 * bucket] = steps[first];
            thinValues[2 * bucket] = values[first];
            thinSteps[2 * bucket + 1] = steps[second];
            thinValues[2 * bucket + 1] = values[second];
        }
        return new Series(thinSteps, thinValues);
    }

    int size() {
        return steps.length;
    }

    private static JsonNode parse(String line) {
        try {
            return Json.MAPPER.readTree(line);
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    private static boolean isNumber(JsonNode node) {
        return node.isNumber() || node.isTextual() && switch (node.textValue()) {
            case "NaN", "Infinity", "-Infinity" -> true;
            default -> false;
        };
    }

    private static double number(JsonNode node) {
        return node.isTextual() ? Double.parseDouble(node.textValue()) : node.doubleValue();
    }
}
