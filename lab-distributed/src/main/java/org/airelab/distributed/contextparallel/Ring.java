package org.airelab.distributed.contextparallel;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.torch.NativeArrays;

/** The ranks of a group in a ring. Closing it waits for what is under way, whose memory may then be freed. */
final class Ring implements AutoCloseable {
    private final ProcessGroup group;
    private final List<Work> pending = new ArrayList<>();

    Ring(ProcessGroup group) {
        this.group = group;
    }

    int rank() {
        return group.rank();
    }

    int ranks() {
        return group.size();
    }

    /** Arrays that all ranks pass on, each its own to the next, at the same time; of one shape and type everywhere. */
    final class Trip {
        private NDArray here;
        private NDArray other;
        private final List<Work> step = new ArrayList<>();

        /** @param other memory for what comes */
        Trip(NDArray mine, NDArray other) {
            this.here = mine;
            this.other = other;
        }

        /** What this rank has now. */
        NDArray here() {
            return here;
        }

        /** Begins to send what is here to the next rank, and to receive what the rank before has; both stay alone. */
        void go() {
            step.add(group.receive(NativeArrays.kernelMemory(other), NativeArrays.type(other),
                    Math.floorMod(rank() - 1, ranks())));
            pending.addAll(step);
            Work sent = group.send(NativeArrays.kernelMemory(here), NativeArrays.type(here), (rank() + 1) % ranks());
            step.add(sent);
            pending.add(sent);
        }

        /** Waits for what has begun: what the rank before had is here, until the second {@link #go} from now. */
        NDArray arrived() {
            step.forEach(Work::await);
            pending.removeAll(step);
            step.clear();
            NDArray free = here;
            here = other;
            other = free;
            return here;
        }
    }

    @Override
    public void close() {
        for (Work work : pending) {
            try {
                work.await();
            } catch (UserError e) {
                // Whatever has ended the work before its time is on its way already.
            }
        }
    }
}
