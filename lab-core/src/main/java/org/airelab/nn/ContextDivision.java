package org.airelab.nn;

import java.util.List;
import java.util.stream.IntStream;
import org.airelab.base.UserError;

/**
 * Which tokens of every sequence a rank has. The sequence is cut into two chunks a rank, and rank r has chunk r and the
 * r-th from the end: under a causal mask early tokens see few others and late ones many, and so all ranks have as much
 * to compute (Llama Team, "The Llama 3 Herd of Models", 2024, section 3.3.2). A rank's tokens keep their order.
 *
 * @param rank  from 0
 * @param ranks that share each sequence
 */
public record ContextDivision(int rank, int ranks) {
    /** All tokens on one rank. */
    public static final ContextDivision NONE = new ContextDivision(0, 1);

    /**
     * Neighbouring tokens.
     *
     * @param from   position of the first in the sequence
     * @param length how many
     */
    public record Chunk(int from, int length) {
        private IntStream positions() {
            return IntStream.range(from, from + length);
        }
    }

    public ContextDivision {
        if (rank < 0 || rank >= ranks) {
            throw new IllegalArgumentException("expected a rank from 0 to " + (ranks - 1) + ", found " + rank);
        }
    }

    private int chunksOfAll() {
        return ranks == 1 ? 1 : 2 * ranks;
    }

    /** @throws UserError (bad input) when sequences of that many tokens cannot be divided */
    public void requireDivisible(int contextLength) {
        if (contextLength % chunksOfAll() != 0) {
            throw UserError.badInput("context parallelism of " + ranks + " ranks cuts the context into " + chunksOfAll()
                    + " chunks, and context_length " + contextLength + " is not a multiple of that.",
                    "Make model.context_length a multiple of " + chunksOfAll() + ", or cp another divisor.");
        }
    }

    /** A rank's tokens of a sequence of {@code time}. */
    public int share(int time) {
        if (time % chunksOfAll() != 0) {
            throw new IllegalArgumentException("expected a sequence of a multiple of " + chunksOfAll()
                    + " tokens, found " + time);
        }
        return time / ranks;
    }

    /** The chunks of the rank's {@code share} tokens of a sequence, in the order in which it has them. */
    public List<Chunk> chunks(int share) {
        if (ranks == 1) {
            return List.of(new Chunk(0, share));
        }
        if (share % 2 != 0) {
            throw new IllegalArgumentException("expected two chunks of one length, found " + share + " tokens");
        }
        int length = share / 2;
        return List.of(new Chunk(rank * length, length), new Chunk((2 * ranks - 1 - rank) * length, length));
    }

    /** The positions in the sequence of the rank's {@code share} tokens. */
    public int[] positions(int share) {
        return chunks(share).stream().flatMapToInt(Chunk::positions).toArray();
    }

    /** The rank's tokens of some sequences: of row-major [rows, time] those of [rows, share]. */
    public long[] of(long[] tokens, int time) {
        if (ranks == 1) {
            return tokens;
        }
        int share = share(time);
        long[] mine = new long[tokens.length / ranks];
        int to = 0;
        for (int row = 0; row < tokens.length; row += time) {
            for (Chunk chunk : chunks(share)) {
                System.arraycopy(tokens, row + chunk.from, mine, to, chunk.length);
                to += chunk.length;
            }
        }
        return mine;
    }
}
