package org.airelab.distributed.mesh;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.airelab.base.UserError;

/**
 * The sizes of a grid of ranks. Neighbours in the run are neighbours in tensor parallelism, which exchanges the most,
 * then in context parallelism, in data parallelism, and last in the pipeline: the order of Megatron-LM (Narayanan et
 * al. 2021, section 3) and torchtitan.
 *
 * @param dp data parallelism: replicas that take different samples
 * @param cp context parallelism: ranks that take different tokens of a sample
 * @param tp tensor parallelism: ranks that take different parts of each layer
 * @param pp pipeline parallelism: ranks that take different layers
 */
public record MeshShape(int dp, int cp, int tp, int pp) {
    /** One rank. */
    public static final MeshShape ONE = new MeshShape(1, 1, 1, 1);

    private static final String ADVICE = "Give sizes of some of dp, cp, tp and pp, such as dp=2,tp=2.";

    /** @throws UserError (bad input) for a size below 1, or more ranks than can be counted */
    public MeshShape {
        if (dp < 1 || cp < 1 || tp < 1 || pp < 1) {
            throw UserError.badInput("the sizes of a mesh must be at least 1, found " + text(dp, cp, tp, pp) + ".",
                    ADVICE);
        }
        if ((double) dp * cp * tp * pp > Integer.MAX_VALUE) {
            throw UserError.badInput("a mesh of " + text(dp, cp, tp, pp) + " has too many ranks.", ADVICE);
        }
    }

    /** Replicas alone. */
    public static MeshShape replicas(int count) {
        return new MeshShape(count, 1, 1, 1);
    }

    /**
     * Reads {@code dp=2,tp=2}: what is not named is 1, but dp, which takes in all ranks that the others leave.
     *
     * @param ranks of the run, where that is known
     * @throws UserError (bad input) for other text, and where the product of the sizes is not {@code ranks}
     */
    public static MeshShape parse(String text, OptionalInt ranks) {
        Map<String, Integer> sizes = new LinkedHashMap<>();
        for (String part : text.strip().split("\\s*,\\s*", -1)) {
            String[] pair = part.split("=", -1);
            if (pair.length != 2 || !pair[0].matches("dp|cp|tp|pp") || !pair[1].matches("\\d{1,9}")
                    || sizes.put(pair[0], Integer.valueOf(pair[1])) != null) {
                throw UserError.badInput("a mesh such as dp=2,tp=2 was expected, found " + text + ".", ADVICE);
            }
        }
        MeshShape shape = new MeshShape(sizes.getOrDefault("dp", 1), sizes.getOrDefault("cp", 1),
                sizes.getOrDefault("tp", 1), sizes.getOrDefault("pp", 1));
        if (ranks.isPresent() && !sizes.containsKey("dp") && ranks.getAsInt() % shape.ranks() == 0) {
            shape = new MeshShape(ranks.getAsInt() / shape.ranks(), shape.cp, shape.tp, shape.pp);
        }
        if (ranks.isPresent() && shape.ranks() != ranks.getAsInt()) {
            throw UserError.badInput("the mesh " + shape + " has " + shape.ranks() + " ranks and the run has "
                    + ranks.getAsInt() + ".", "Make the product of the sizes the number of ranks, or leave dp out.");
        }
        return shape;
    }

    /** The number of ranks. */
    public int ranks() {
        return dp * cp * tp * pp;
    }

    /**
     * A rank's place in the grid.
     *
     * @param dp which replica it belongs to
     * @param cp which part of the tokens it takes
     * @param tp which part of the layers' insides
     * @param pp which stage of the pipeline
     */
    public record Place(int dp, int cp, int tp, int pp) {
    }

    /** Where a rank of the run stands. */
    public Place place(int rank) {
        return new Place(rank / tp / cp % dp, rank / tp % cp, rank % tp, rank / tp / cp / dp);
    }

    /** Which rank of the run stands there. */
    public int rank(Place place) {
        return ((place.pp * dp + place.dp) * cp + place.cp) * tp + place.tp;
    }

    private static String text(int dp, int cp, int tp, int pp) {
        return "dp=" + dp + ",cp=" + cp + ",tp=" + tp + ",pp=" + pp;
    }

    /** The sizes above 1 as {@link #parse} reads them; dp=1 of one rank. */
    @Override
    public String toString() {
        String text = text(dp, cp, tp, pp).replaceAll("(?<!\\d)[a-z]{2}=1(,|$)", "").replaceFirst(",$", "");
        return text.isEmpty() ? "dp=1" : text;
    }
}
