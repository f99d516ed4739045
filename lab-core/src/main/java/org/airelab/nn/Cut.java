package org.airelab.nn;

import java.util.ArrayList;
import java.util.List;

/**
 * What one of several ranks has of a parameter that is divided among them: of one dimension some ranges, one behind the
 * other, of the others all.
 *
 * @param whole     sizes of the whole parameter
 * @param dimension the one that is divided, 0 for the first
 * @param ranges    of that dimension, ascending
 * @param room      elements of the rank that has the most: where every rank leaves as many, parameters lie at the same
 *                  places on all
 */
public record Cut(long[] whole, int dimension, List<Range> ranges, long room) {
    /**
     * Neighbouring indices of a dimension.
     *
     * @param from the first
     * @param to   the first behind them
     */
    public record Range(long from, long to) {
        /** How many there are. */
        public long size() {
            return to - from;
        }

        /** A rank's share of {@code size} indices: of those that do not go round some ranks get one more. */
        public static Range of(long size, int rank, int ranks) {
            return new Range(size * rank / ranks, size * (rank + 1) / ranks);
        }
    }

    /**
     * Elements that lie side by side in both a rank's part and the whole, row-major.
     *
     * @param local  the first in the part
     * @param whole  the first in the whole
     * @param length how many
     */
    public record Run(long local, long whole, long length) {
    }

    public Cut {
        long behind = 0;
        for (Range range : ranges) {
            if (range.from < behind || range.to < range.from) {
                throw new IllegalArgumentException("expected ascending ranges, found " + ranges);
            }
            behind = range.to;
        }
        if (behind > whole[dimension]) {
            throw new IllegalArgumentException("ranges " + ranges + " of a dimension of " + whole[dimension]);
        }
        ranges = List.copyOf(ranges);
    }

    /**
     * A rank's share of a parameter.
     *
     * @param parts sizes of what is packed along the dimension, one behind the other, each divided among all ranks: the
     *              queries, keys and values of a projection
     */
    public static Cut of(int rank, int ranks, long[] whole, int dimension, long... parts) {
        List<Range> ranges = new ArrayList<>();
        long from = 0;
        long most = 0;
        for (long part : parts) {
            Range share = Range.of(part, rank, ranks);
            ranges.add(new Range(from + share.from, from + share.to));
            from += part;
            most += Math.ceilDiv(part, ranks);
        }
        return new Cut(whole, dimension, ranges, product(whole, 0, dimension) * most
                * product(whole, dimension + 1, whole.length));
    }

    /** Sizes of this rank's part. */
    public long[] shape() {
        long[] shape = whole.clone();
        shape[dimension] = ranges.stream().mapToLong(Range::size).sum();
        return shape;
    }

    /** Where elements of this rank's part belong, in their order: those from {@code from} to before {@code to}. */
    public List<Run> runs(long from, long to) {
        List<Run> runs = new ArrayList<>();
        long inner = product(whole, dimension + 1, whole.length);
        long block = inner * ranges.stream().mapToLong(Range::size).sum();
        long local = block == 0 ? to : from / block * block;
        for (long outer = block == 0 ? 0 : from / block; local < to; outer++) {
            for (Range range : ranges) {
                long begin = Math.max(from, local);
                long end = Math.min(to, local + range.size() * inner);
                if (begin < end) {
                    runs.add(new Run(begin, (outer * whole[dimension] + range.from) * inner + begin - local,
                            end - begin));
                }
                local += range.size() * inner;
            }
        }
        return runs;
    }

    private static long product(long[] sizes, int from, int to) {
        long product = 1;
        for (int i = from; i < to; i++) {
            product *= sizes[i];
        }
        return product;
    }
}
