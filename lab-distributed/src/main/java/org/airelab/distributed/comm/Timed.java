package org.airelab.distributed.comm;

import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.airelab.distributed.group.Floats;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.torch.ScalarType;

/** What is timed: collectives of float32 values, in place where that can be, and what memory itself can do. */
enum Timed {
    ALL_REDUCE {
        @Override
        Work issue(ProcessGroup group, MemorySegment array, MemorySegment other) {
            return group.allReduce(array, ScalarType.FLOAT32, Reduction.SUM);
        }
    },
    /** No collective: each rank reads and writes an array of its own, all at once; see {@link MemoryBound}. */
    REWRITE {
        @Override
        Work issue(ProcessGroup group, MemorySegment array, MemorySegment other) {
            Floats.add(array.address(), array.address(), array.address(), array.byteSize() / Float.BYTES);
            return NOTHING_LEFT;
        }

        @Override
        boolean possible(int size, boolean onHost) {
            return onHost;
        }
    },
    /** No collective: each rank reads an array and writes another, all at once; see {@link MemoryBound}. */
    COPY {
        @Override
        Work issue(ProcessGroup group, MemorySegment array, MemorySegment other) {
            Lanes.copy(array.address(), other.address(), array.byteSize());
            return NOTHING_LEFT;
        }

        @Override
        boolean possible(int size, boolean onHost) {
            return onHost;
        }
    },
    REDUCE_SCATTER {
        @Override
        Work issue(ProcessGroup group, MemorySegment array, MemorySegment other) {
            return group.reduceScatter(array, block(group, array), ScalarType.FLOAT32, Reduction.SUM);
        }
    },
    ALL_GATHER {
        @Override
        Work issue(ProcessGroup group, MemorySegment array, MemorySegment other) {
            return group.allGather(block(group, array), array, ScalarType.FLOAT32);
        }
    },
    BROADCAST {
        @Override
        Work issue(ProcessGroup group, MemorySegment array, MemorySegment other) {
            return group.broadcast(array, ScalarType.FLOAT32, 0);
        }
    },
    /** To the next rank, from the one before, in a ring. */
    SEND_RECEIVE {
        @Override
        Work issue(ProcessGroup group, MemorySegment array, MemorySegment other) {
            Work sent = group.send(array, ScalarType.FLOAT32, (group.rank() + 1) % group.size());
            Work received = group.receive(other, ScalarType.FLOAT32, (group.rank() + group.size() - 1) % group.size());
            return new Work() {
                @Override
                public void await() {
                    received.await();
                    sent.await();
                }

                @Override
                public boolean done() {
                    return received.done() && sent.done();
                }
            };
        }

        @Override
        boolean possible(int size, boolean onHost) {
            return size > 1;
        }
    };

    private static final Work NOTHING_LEFT = new Work() {
        @Override
        public void await() {
            // Done when it was issued.
        }

        @Override
        public boolean done() {
            return true;
        }
    };

    /** Issues it on every rank. */
    abstract Work issue(ProcessGroup group, MemorySegment array, MemorySegment other);

    /** Whether a group of so many ranks can do it, whose arrays lie in the host's memory or in a device's. */
    boolean possible(int size, boolean onHost) {
        return true;
    }

    private static MemorySegment block(ProcessGroup group, MemorySegment array) {
        long bytes = array.byteSize() / group.size();
        return array.asSlice(group.rank() * bytes, bytes);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
