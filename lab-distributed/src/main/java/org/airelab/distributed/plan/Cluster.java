package org.airelab.distributed.plan;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.airelab.base.Nearest;
import org.airelab.base.UserError;
import org.airelab.config.Configurations;

/**
 * Nodes with GPUs of one kind.
 *
 * @param gpu     the kind
 * @param perNode GPUs of a node, a rank each
 * @param nodes   nodes
 */
public record Cluster(Hardware gpu, int perNode, int nodes) {
    private static final Pattern FORM = Pattern.compile("(.+?)x(\\d{1,6})(?:x(\\d{1,6}))?");

    /** @throws UserError (bad input) for numbers below 1 or a product that cannot be counted */
    public Cluster {
        if (perNode < 1 || nodes < 1 || (long) perNode * nodes > Integer.MAX_VALUE) {
            throw UserError.badInput("a cluster of " + nodes + " nodes of " + perNode + " GPUs cannot be.",
                    "Give h100x8 for a node of 8, h100x8x16 for 16 of them.");
        }
    }

    /**
     * Reads {@code h100x8} (one node of 8 GPUs) or {@code h100x8x16} (16 of them). In place of a name there may be a
     * YAML file with a {@link Hardware}.
     *
     * @throws UserError (bad input) for other text, an unknown name, or a file that does not describe a GPU
     */
    public static Cluster parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw UserError.badInput("hardware such as h100x8 or h100x8x16 was expected, found " + text + ".",
                    "Give a GPU (a name, or a YAML file: my-gpu.yamlx8), how many a node has, and how many nodes.");
        }
        int nodes = matcher.group(3) == null ? 1 : Integer.parseInt(matcher.group(3));
        return new Cluster(gpu(matcher.group(1)), Integer.parseInt(matcher.group(2)), nodes);
    }

    private static Hardware gpu(String name) {
        if (name.endsWith(".yaml") || name.endsWith(".yml")) {
            return Configurations.load(Hardware.class, null, Path.of(name), List.of());
        }
        Hardware known = HardwareTable.all().get(name);
        if (known == null) {
            Set<String> names = HardwareTable.all().keySet();
            throw UserError.badInput("unknown GPU " + name + "; known are " + String.join(", ", names) + ".",
                    Nearest.to(name, names).map(n -> "Did you mean " + n + "?")
                            .orElse("Describe it in a YAML file: my-gpu.yamlx8."));
        }
        return known;
    }

    /** All GPUs. */
    public int ranks() {
        return perNode * nodes;
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return gpu.name() + "x" + perNode + (nodes > 1 ? "x" + nodes : "");
    }
}
