package org.airelab.distributed.group.mpi;

/** Something MPI does in several steps. Used by {@link MpiThread} alone. */
interface Operation {
    /** Does what can be done now; whether a step, of one or more, was done. May throw. */
    boolean advance();

    /** Whether all is done. */
    boolean ended();

    /** Tells who waits for it that it has ended well. */
    void complete();

    /** Tells that it has not. */
    void fail(RuntimeException reason);
}
