package org.airelab.distributed.pipeline;

import ai.djl.ndarray.NDArray;
import java.util.ArrayDeque;
import java.util.Deque;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Work;
import org.airelab.torch.NativeArrays;

/** The arrays that this rank sends to others and then has no more use for. It does not wait for who receives them. */
final class Outbox {
    private final Position here;
    private final Deque<Sent> sent = new ArrayDeque<>();

    private record Sent(NDArray array, Work work) {
    }

    Outbox(Position here) {
        this.here = here;
    }

    /** Sends an array, which stays the caller's and as it is until that is done. */
    static Work send(Position here, NDArray array, int to) {
        return here.group().send(NativeArrays.kernelMemory(array), NativeArrays.type(array), to);
    }

    /** Sends an array and frees it when that is done. */
    void send(NDArray array, int to) {
        while (!sent.isEmpty() && sent.element().work.done()) {
            free();
        }
        sent.add(new Sent(array, send(here, array, to)));
    }

    /** Waits until no more than so many are on their way. */
    void await(int most) {
        while (sent.size() > most) {
            free();
        }
    }

    private void free() {
        here.clock().await(sent.element().work);
        sent.remove().array.close();
    }

    /** Lets nothing be on its way any more, when the group has failed. */
    void close() {
        for (Sent each : sent) {
            awaitFailed(each.work);
            each.array.close();
        }
    }

    /** Waits for work of a group that has failed, whose memory is about to be freed. */
    static void awaitFailed(Work work) {
        try {
            work.await();
        } catch (UserError e) {
            // The group's failure, which is told already.
        }
    }
}
