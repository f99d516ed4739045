package org.airelab.distributed.dataparallel;

import java.util.Arrays;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.TrainingSession;

/** The state training goes on from, rank 0's on all ranks: the clocks, and the weights where all ranks have all. */
final class SharedState {
    private static final int CLOCKS = 6;

    private SharedState() {
    }

    static void fromFirst(Exchange exchange, TrainingSession session, DivergenceGuard guard) {
        clocks(exchange, session, guard);
        if (!session.parameters().shards().dividesWeights()) {
            exchange.send(session.parameters().weights());
        }
    }

    /** All that is not an array: the trainer's, the scaler's and the guard's memory. */
    static void clocks(Exchange exchange, TrainingSession session, DivergenceGuard guard) {
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
