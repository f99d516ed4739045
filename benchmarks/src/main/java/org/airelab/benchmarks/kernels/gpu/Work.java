package org.airelab.benchmarks.kernels.gpu;

/** Something a GPU does again and again, each time on one of some copies of its memory. */
public interface Work extends AutoCloseable {
    /** Copies there are. */
    int copies();

    /** Enqueues a call on the stream the work was made for. */
    void call(int copy);

    /** Whether a library does it, so that a call may turn out not to fit into a graph. */
    default boolean foreign() {
        return false;
    }

    /** Gives back what was made for it, its memory aside. */
    @Override
    default void close() {
        // Nothing, unless a work has more than its memory.
    }
}
