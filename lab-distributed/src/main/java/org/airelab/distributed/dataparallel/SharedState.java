package org.airelab.distributed.dataparallel;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.torch.NativeArrays;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.TrainingSession;

/** The state training goes on from, rank 0's on all ranks: the weights and the clocks. */
final class SharedState {
    private static final int CLOCKS = 6;

    private SharedState() {
    }

    static void fromFirst(ProcessGroup group, TrainingSession session, DivergenceGuard guard) {
        clocks(group, session, guard);
        send(group, session.parameters().weights());
    }

    static void send(ProcessGroup group, NDArray buffer) {
        group.broadcast(NativeArrays.kernelMemory(buffer), NativeArrays.type(buffer), 0).await();
    }

    /** All that is not an array: the trainer's, the scaler's and the guard's memory. */
    private static void clocks(ProcessGroup group, TrainingSession session, DivergenceGuard guard) {
        DivergenceGuard.Memory memory = guard.memory();
        long[] mine = new long[CLOCKS + DivergenceGuard.WINDOW];
        mine[0] = session.trainer().step();
        mine[1] = session.trainer().updates();
        mine[2] = Double.doubleToRawLongBits(session.scaler().scale());
        mine[3] = session.scaler().goodSteps();
        mine[4] = memory.outliers();
        mine[5] = memory.losses().length;
        for (int i = 0; i < memory.losses().length; i++) {
            mine[CLOCKS + i] = Double.doubleToRawLongBits(memory.losses()[i]);
        }
        long[] first = Exchange.fromFirst(group, mine);
        session.trainer().restore(first[0], first[1]);
        session.scaler().restore(Double.longBitsToDouble(first[2]), (int) first[3]);
        double[] losses = Arrays.stream(first, CLOCKS, CLOCKS + (int) first[5])
                .mapToDouble(Double::longBitsToDouble).toArray();
        guard.restore(new DivergenceGuard.Memory(losses, (int) first[4]));
    }
}
