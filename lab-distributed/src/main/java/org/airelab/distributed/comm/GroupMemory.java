package org.airelab.distributed.comm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory that a group's collectives work on, of the host or of a device. */
public interface GroupMemory {
    /** New memory, aligned to 64 bytes at least. */
    MemorySegment allocate(long bytes);

    /** Whether the host reads and writes it as its own. */
    boolean onHost();

    /** Copies from memory of the host, which may be used again when this returns. */
    void write(MemorySegment host, MemorySegment to);

    /** Copies to memory of the host once all is done that was awaited before. */
    void read(MemorySegment from, MemorySegment host);

    /** Waits on the host for all that was awaited before. */
    void synchronize();

    /** Memory of the host, for as long as the arena is there. */
    static GroupMemory of(Arena arena) {
        return new GroupMemory() {
            @Override
            public MemorySegment allocate(long bytes) {
                return arena.allocate(Math.max(1, bytes), 64).asSlice(0, bytes);
            }

            @Override
            public boolean onHost() {
                return true;
            }

            @Override
            public void write(MemorySegment host, MemorySegment to) {
                to.copyFrom(host);
            }

            @Override
            public void read(MemorySegment from, MemorySegment host) {
                host.copyFrom(from);
            }

            @Override
            public void synchronize() {
                // What was awaited is done.
            }
        };
    }
}
