package org.airelab.hf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A tensor of the lab's model and the tensors of Hugging Face's that hold its rows, one after another.
 *
 * @param ours  name in the lab's model
 * @param parts tensors of theirs
 */
record Correspondence(String ours, List<Part> parts) {
    /** As {@link Part#columns}: a vector. */
    static final long VECTOR = -1;

    /**
     * A tensor of theirs.
     *
     * @param name        their name for it
     * @param rows        rows of ours it holds
     * @param columns     columns of ours, or {@link #VECTOR}
     * @param transposed  whether theirs has rows and columns exchanged
     * @param interleaved size of a head whose rows ours has in the interleaved order of rotary pairs (2j, 2j+1) and
     *                    theirs in the half-split one (j, j + size/2); 0 where the order is the same
     */
    record Part(String name, long rows, long columns, boolean transposed, long interleaved) {
        /** The same rows in the same order. */
        static Part same(String name, long rows, long columns) {
            return new Part(name, rows, columns, false, 0);
        }

        /** Sizes of theirs. */
        long[] shape() {
            return columns == VECTOR ? new long[] {rows} : transposed ? new long[] {columns, rows}
                    : new long[] {rows, columns};
        }

        private LazyTensor toTheirs(LazyTensor ours) {
            if (interleaved > 0) {
                return ours.reordered(this::interleavedRow);
            }
            return transposed ? ours.transposed() : ours;
        }

        private LazyTensor toOurs(LazyTensor theirs) {
            if (interleaved > 0) {
                return theirs.reordered(this::halfSplitRow);
            }
            return transposed ? theirs.transposed() : theirs;
        }

        /** Where the row that is {@code i} in half-split order is in interleaved order. */
        private long interleavedRow(long i) {
            long within = i % interleaved;
            long half = interleaved / 2;
            return i - within + (within < half ? 2 * within : 2 * (within - half) + 1);
        }

        /** Where the row that is {@code i} in interleaved order is in half-split order. */
        private long halfSplitRow(long i) {
            long within = i % interleaved;
            return i - within + within / 2 + (within % 2 == 0 ? 0 : interleaved / 2);
        }
    }

    /** A tensor that both have alike, but for its name. */
    static Correspondence same(String ours, String theirs, long rows, long columns) {
        return new Correspondence(ours, List.of(Part.same(theirs, rows, columns)));
    }

    /** Their tensors, made of ours. */
    static Map<String, LazyTensor> export(List<Correspondence> table, Function<String, LazyTensor> ours) {
        Map<String, LazyTensor> theirs = new LinkedHashMap<>();
        for (Correspondence entry : table) {
            LazyTensor packed = ours.apply(entry.ours);
            long row = 0;
            for (Part part : entry.parts) {
                theirs.put(part.name, part.toTheirs(packed.rows(row, part.rows)));
                row += part.rows;
            }
        }
        return theirs;
    }

    /** Our tensors, made of theirs, each asked for once. */
    static Map<String, LazyTensor> importAll(List<Correspondence> table, Function<Part, LazyTensor> theirs) {
        Map<String, LazyTensor> ours = new LinkedHashMap<>();
        for (Correspondence entry : table) {
            List<LazyTensor> parts = new ArrayList<>();
            for (Part part : entry.parts) {
                parts.add(part.toOurs(theirs.apply(part)));
            }
            ours.put(entry.ours, LazyTensor.concatenated(parts));
        }
        return ours;
    }
}
