package org.airelab.distributed.group.shm;

/**
 * Where in memory that all ranks share an array begins.
 *
 * @param allocation the number of {@link ShmGroup#allocate}'s call, or -1 for an array elsewhere
 * @param offset     bytes from the beginning of the rank's own part
 */
record Place(long allocation, long offset) {
    static final Place PRIVATE = new Place(-1, 0);

    boolean shared() {
        return allocation >= 0;
    }
}
