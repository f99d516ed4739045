package org.airelab.distributed.pipeline;

import ai.djl.ndarray.NDArray;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.group.Work;
import org.airelab.torch.NativeArrays;

/**
 * The arrays that other ranks send to this one. From each rank they are taken in the order in which it sends them,
 * which every schedule sees to, and the one after next is asked for when the next is taken: so it travels while this
 * rank computes.
 */
final class Inbox {
    private final Position here;
    private final Map<Integer, Deque<TokenBatch>> expected = new HashMap<>();
    private final Map<Integer, Deque<Arriving>> arriving = new HashMap<>();

    private record Arriving(NDArray array, Work work) {
    }

    Inbox(Position here) {
        this.here = here;
    }

    /** Tells of the next message of a rank, which is about a batch. All are told of before one is taken. */
    void expect(int from, TokenBatch about) {
        expected.computeIfAbsent(from, _ -> new ArrayDeque<>()).add(about);
        Deque<Arriving> asked = arriving.computeIfAbsent(from, _ -> new ArrayDeque<>());
        if (asked.isEmpty()) {
            ask(from);
        }
    }

    private void ask(int from) {
        TokenBatch about = expected.get(from).poll();
        if (about != null) {
            NDArray array = here.engine().between(about);
            arriving.get(from).add(new Arriving(array, here.group().receive(NativeArrays.kernelMemory(array),
                    NativeArrays.type(array), from)));
        }
    }

    /** The next array of a rank; it is the caller's. */
    NDArray take(int from) {
        ask(from);
        Arriving next = arriving.get(from).element();
        here.clock().await(next.work);
        return arriving.get(from).remove().array;
    }

    /** Lets nothing arrive any more, when the group has failed. */
    void close() {
        for (Deque<Arriving> asked : arriving.values()) {
            for (Arriving each : asked) {
                Outbox.awaitFailed(each.work);
                each.array.close();
            }
        }
    }
}
