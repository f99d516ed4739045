package org.airelab.kernels.cpu;

import java.util.function.IntConsumer;

/** The cores that a rung's loops run on. A loop's tasks are the same on either, and so is each bit of its results. */
public enum Cores {
    /** The calling thread's. */
    ONE,
    /** As many as {@link Parallel#threads} says. */
    ALL;

    /** Number of threads a loop of the calling thread uses. */
    public int threads() {
        return this == ONE ? 1 : Parallel.threads();
    }

    /** {@link Parallel#forRange} on these cores. */
    public void forRange(int tasks, IntConsumer task) {
        Parallel.forRange(threads(), tasks, task);
    }

    /** Works on the elements of a range from {@code from} to before {@code to}, the task of that number. */
    public interface Piece {
        void accept(int task, long from, long to);
    }

    /** As {@link #forRange}, with a task for each {@code each} of {@code total} items; the last may have fewer. */
    public void forPieces(long total, long each, Piece piece) {
        forPieces(0, total, each, piece);
    }

    /** The same for the items from {@code from} to before {@code to}. */
    public void forPieces(long from, long to, long each, Piece piece) {
        forRange(Parallel.pieces(to - from, each), task -> TaskCall.call(piece, task, from + task * each,
                Math.min(to, from + (task + 1) * each)));
    }
}
