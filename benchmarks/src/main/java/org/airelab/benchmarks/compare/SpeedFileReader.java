package org.airelab.benchmarks.compare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.DoubleUnaryOperator;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.benchmarks.report.Report;

/** Reads the JSON of {@code lab bench}, and JMH's own ({@code -rf json}). */
final class SpeedFileReader {
    private static final String ADVICE = "Give a report.json of lab bench, or a file JMH wrote with -rf json.";
    /** Differ between any two runs, and say nothing about the machine's or the program's identity. */
    private static final Set<String> PASSING = Set.of("date", "seconds", "megahertz", "loads", "stolen_percent",
            "disturbed_percent", "session");
    private static final Map<String, Double> MILLISECONDS = Map.of("ns", 1e-6, "us", 1e-3, "ms", 1.0, "s", 1e3,
            "min", 6e4, "hr", 3.6e6, "day", 8.64e7);

    private final Path file;

    private SpeedFileReader(Path file) {
        this.file = file;
    }

    /** Reads a file of either kind. */
    static SpeedFile read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw UserError.badInput(Files.isDirectory(file) ? file + " is a folder"
                    : Files.notExists(file) ? "there is no file " + file : file + " cannot be read", ADVICE);
        }
        try {
            JsonNode root = Json.MAPPER.readTree(Files.readAllBytes(file));
            SpeedFileReader reader = new SpeedFileReader(file);
            if (root.isArray() && !root.isEmpty() && root.get(0).has("primaryMetric")) {
                return reader.jmh(root);
            }
            if (Report.FORMAT.equals(root.path("format").asText())) {
                return reader.report(root);
            }
        } catch (JsonProcessingException e) {
            throw UserError.badInput(file + " is not JSON: " + Json.reason(e), ADVICE, e);
        }
        throw UserError.badInput("expected a speed report of format " + Report.FORMAT
                + " or JMH's JSON, found neither in "
                + file, ADVICE);
    }

    private SpeedFile report(JsonNode root) {
        Map<String, double[][]> rows = new LinkedHashMap<>();
        Map<String, double[][]> baselines = new LinkedHashMap<>();
        for (JsonNode row : root.path("rows")) {
            String workload = String.join("/", text(row, "family"), text(row, "operation"), text(row, "shape"),
                    text(row, "dtype"), text(row, "device"));
            put(rows, workload + "/" + text(row, "kernel"), samples(row.path("samples_ms"), x -> x));
            if (row.hasNonNull("baseline_samples_ms")) {
                baselines.put(workload + "/" + text(row, "baseline"), samples(row.path("baseline_samples_ms"), x -> x));
            }
        }
        Map<String, String> facts = new TreeMap<>();
        flatten("", root.path("environment"), facts);
        return new SpeedFile(rows, baselines, facts, root.path("environment").path("session").asText(null));
    }

    private static void flatten(String prefix, JsonNode node, Map<String, String> facts) {
        node.properties().forEach(property -> {
            if (property.getValue().isObject()) {
                flatten(prefix + property.getKey() + ".", property.getValue(), facts);
            } else if (!PASSING.contains(property.getKey())) {
                facts.put(prefix + property.getKey(), property.getValue().isValueNode() ? property.getValue().asText()
                        : property.getValue().toString());
            }
        });
    }

    private SpeedFile jmh(JsonNode root) {
        Map<String, double[][]> rows = new LinkedHashMap<>();
        Map<String, String> facts = new TreeMap<>();
        for (JsonNode result : root) {
            StringBuilder key = new StringBuilder(text(result, "benchmark"));
            result.path("params").properties().forEach(p -> key.append(' ').append(p.getKey()).append('=')
                    .append(p.getValue().asText()));
            JsonNode metric = result.path("primaryMetric");
            put(rows, key.toString(), samples(metric.path("rawData"), toMilliseconds(text(metric, "scoreUnit"))));
            for (String fact : new String[] {"jdkVersion", "vmName", "vmVersion", "jvmArgs", "mode", "threads"}) {
                JsonNode value = result.path(fact);
                facts.put(fact, value.isValueNode() ? value.asText() : value.toString());
            }
        }
        return new SpeedFile(rows, Map.of(), facts, null);
    }

    private void put(Map<String, double[][]> rows, String key, double[][] samples) {
        if (rows.put(key, samples) != null) {
            throw UserError.badInput("row " + key + " is twice in " + file, "Remove one of the two.");
        }
    }

    /** From a score to the time of a call: the unit is ms/op or ops/ms or the like. */
    private DoubleUnaryOperator toMilliseconds(String unit) {
        if (unit.endsWith("/op") && MILLISECONDS.containsKey(unit.substring(0, unit.length() - 3))) {
            double factor = MILLISECONDS.get(unit.substring(0, unit.length() - 3));
            return score -> score * factor;
        }
        if (unit.startsWith("ops/") && MILLISECONDS.containsKey(unit.substring(4))) {
            double factor = MILLISECONDS.get(unit.substring(4));
            return score -> factor / score;
        }
        throw UserError.badInput("expected a score unit such as ms/op or ops/s, found " + unit + " in " + file, ADVICE);
    }

    private double[][] samples(JsonNode groups, DoubleUnaryOperator milliseconds) {
        double[][] samples = new double[groups.size()][];
        for (int i = 0; i < samples.length; i++) {
            samples[i] = new double[groups.get(i).size()];
            for (int j = 0; j < samples[i].length; j++) {
                samples[i][j] = milliseconds.applyAsDouble(groups.get(i).get(j).asDouble());
                if (!(samples[i][j] > 0) || Double.isInfinite(samples[i][j])) {
                    throw UserError.badInput("expected positive times, found " + groups.get(i).get(j) + " in " + file,
                            ADVICE);
                }
            }
            if (samples[i].length == 0) {
                throw UserError.badInput("a row of " + file + " has no samples", ADVICE);
            }
        }
        if (samples.length == 0) {
            throw UserError.badInput("a row of " + file + " has no samples (JMH's sampling mode keeps none)", ADVICE);
        }
        return samples;
    }

    private String text(JsonNode node, String field) {
        JsonNode value = node.path(field);
        if (!value.isTextual()) {
            throw UserError.badInput("a row of " + file + " has no " + field, ADVICE);
        }
        return value.asText();
    }
}
