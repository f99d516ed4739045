package org.airelab.benchmarks.kernels.workload;

import java.util.List;
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

    /** Small enough for the emulation of a GPU, of all families, with sums that tell how they are formed. */
    public static Stream<Workload<?>> small() {
        return Stream.of(smallProducts(), rows(67, 131), rows(5, 1032), Stream.of(SoftmaxWorkloads.forward(3, 9001)),
                smallAttention(), quickOfElements()).flatMap(workloads -> workloads);
    }

    private static Stream<Workload<?>> smallProducts() {
        return Stream.of(MatmulWorkloads.product(37, 41, 1), MatmulWorkloads.product(1, 131, 2055),
                MatmulWorkloads.product(MatmulShape.of(37, 41, 523), true, true),
                MatmulWorkloads.product(272, 24, 1032));
    }

    private static Stream<Workload<?>> smallAttention() {
        return Stream.of(new AttentionShape(2, 19, 3, 3, 64, true), new AttentionShape(1, 131, 2, 2, 64, true),
                new AttentionShape(1, 203, 1, 1, 64, false))
                .flatMap(shape -> Stream.of(AttentionWorkloads.forward(shape), AttentionWorkloads.backward(shape)));
    }

    private static Stream<Workload<?>> quickOfElements() {
        return Stream.of(ActivationWorkloads.gelu(), ActivationWorkloads.geluTanh(), ActivationWorkloads.relu(),
                RotaryWorkloads.all(), EmbeddingWorkloads.all(), OptimizerWorkloads.adam(), OptimizerWorkloads.sgd(),
                OptimizerWorkloads.rmsProp(), OptimizerWorkloads.gradientNorm())
                .<Workload<?>>flatMap(List::stream).filter(Workload::quick);
    }
}
