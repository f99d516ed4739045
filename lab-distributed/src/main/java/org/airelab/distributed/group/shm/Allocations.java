package org.airelab.distributed.group.shm;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The memory all ranks of a group share, and which arrays lie in it. */
final class Allocations {
    private final List<Allocation> all = new CopyOnWriteArrayList<>();
    private final int rank;

    Allocations(int rank) {
        this.rank = rank;
    }

    /** Memory of every rank, one part after another. */
    private record Allocation(long address, long part) {
        long address(int rank) {
            return address + rank * part;
        }
    }

    /** Adds the next allocation, in the same order on all ranks; gives this rank's part. */
    MemorySegment add(MemorySegment memory, long part) {
        all.add(new Allocation(memory.address(), part));
        return memory.asSlice(rank * part, part);
    }

    /** Where in this rank's parts an array lies. */
    Place find(MemorySegment array) {
        for (int i = 0; i < all.size(); i++) {
            long offset = array.address() - all.get(i).address(rank);
            if (offset >= 0 && offset + array.byteSize() <= all.get(i).part()) {
                return new Place(i, offset);
            }
        }
        return Place.PRIVATE;
    }

    /** Where this process has a place of another rank's. */
    long address(int rank, Place place) {
        return all.get((int) place.allocation()).address(rank) + place.offset();
    }
}
