package org.airelab.distributed.dataparallel;

import java.util.Arrays;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.TrainingSession;

/**
 * The state that training goes on from and that is no array, rank 0's on all ranks: the trainer's, the scaler's and the
 * guard's memory.
 */
final class SharedState {
    private static final int CLOCKS = 6;

    private SharedState() {
    }

    static void fromFirst(Exchange exchange, TrainingSession session, DivergenceGuard guard) {
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
        long[] first = exchange.fromFirst(mine);
        session.trainer().restore(first[0], first[1]);
        session.scaler().restore(Double.longBitsToDouble(first[2]), (int) first[3]);
        double[] losses = Arrays.stream(first, CLOCKS, CLOCKS + (int) first[5])
                .mapToDouble(Double::longBitsToDouble).toArray();
        guard.restore(new DivergenceGuard.Memory(losses, (int) first[4]));
    }
}
