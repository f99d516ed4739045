package org.airelab.nn;

/**
 * Neighbouring parts of a model. Part 0 is the embedding, parts 1 to n are the n layers, and part n + 1 is the head.
 *
 * @param from the first part
 * @param to   the first part behind it
 * @param all  parts of the whole model, n + 2
 */
public record Stage(int from, int to, int all) {
    public Stage {
        if (from < 0 || from >= to || to > all) {
            throw new IllegalArgumentException("parts " + from + " to " + to + " of " + all);
        }
    }

    /** All of a model. */
    public static Stage whole(ModelConfig config) {
        return new Stage(0, config.layers() + 2, config.layers() + 2);
    }

    /** Whether it takes token ids; else it takes what another stage gives. */
    public boolean embeds() {
        return from == 0;
    }

    /** Whether it ends in the loss; else it gives something to another stage. */
    public boolean predicts() {
        return to == all;
    }

    /** The first layer's part. */
    public int firstLayer() {
        return Math.max(from, 1);
    }

    /** The part behind the last layer's. */
    public int endOfLayers() {
        return Math.min(to, all - 1);
    }

    /** A part's name: what the paths of its parameters begin with. */
    public static String name(int part, int layers) {
        return part == 0 ? "embedding" : part <= layers ? "layers." + (part - 1) : "head";
    }

    /** The part that a parameter belongs to, by the path that the model gives it. */
    public static int part(String path, int layers) {
        String[] names = path.split("\\.");
        return switch (names[0]) {
            case "embedding" -> 0;
            case "layers" -> 1 + Integer.parseInt(names[1]);
            case "head" -> layers + 1;
            default -> throw new IllegalArgumentException("no part of a model has a parameter " + path);
        };
    }
}
