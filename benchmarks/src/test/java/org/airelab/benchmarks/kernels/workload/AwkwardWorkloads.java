package org.airelab.benchmarks.kernels.workload;

import java.util.stream.Stream;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.kernels.matmul.MatmulShape;

/** Workloads of sizes at which sums are longest or shortest, and vectors left over. */
public final class AwkwardWorkloads {
    private AwkwardWorkloads() {
    }

    public static Stream<Workload<?>> all() {
        return Stream.of(products(), rows(7, 50_257), rows(301, 7), attention()).flatMap(workloads -> workloads);
    }

    private static Stream<Workload<?>> products() {
        return Stream.of(MatmulWorkloads.product(129, 131, 1), MatmulWorkloads.product(65, 67, 4095),
                MatmulWorkloads.product(MatmulShape.of(65, 67, 4095), true, true),
                MatmulWorkloads.product(1, 509, 1023), MatmulWorkloads.product(509, 521, 523),
                MatmulWorkloads.product(8, 2048, 2048), MatmulWorkloads.product(1024, 1024, 1024));
    }

    private static Stream<Workload<?>> rows(int rows, int width) {
        return Stream.of(SoftmaxWorkloads.forward(rows, width), SoftmaxWorkloads.backward(rows, width),
                LossWorkloads.forward(rows, width), LossWorkloads.forwardBackward(rows, width),
                NormWorkloads.rmsForward(rows, width), NormWorkloads.rmsBackward(rows, width),
                NormWorkloads.layerForward(rows, width), NormWorkloads.layerBackward(rows, width),
                ActivationWorkloads.swiGluForward(rows, width), ActivationWorkloads.swiGluBackward(rows, width));
    }

    private static Stream<Workload<?>> attention() {
        return Stream.of(new AttentionShape(2, 19, 3, 3, 8, true), new AttentionShape(1, 301, 2, 2, 80, false))
                .flatMap(shape -> Stream.of(AttentionWorkloads.forward(shape), AttentionWorkloads.backward(shape)));
    }
}
