package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.kernels.softmax.Softmax;

/** Softmax of rows: of scores over a context, and of logits over a vocabulary. */
final class SoftmaxWorkloads {
    private SoftmaxWorkloads() {
    }

    static List<Workload<?>> all() {
        return List.of(forward(1024, 1024).alsoQuick(), backward(1024, 1024).alsoQuick(), forward(8192, 256),
                backward(8192, 256), forward(256, 32_000), backward(256, 32_000));
    }

    static List<Workload<?>> large() {
        return List.of(forward(8192, 4096).alsoQuick(), backward(8192, 4096).alsoQuick(), forward(4096, 50_257),
                backward(4096, 50_257));
    }

    static List<Workload<?>> variants() {
        return RowWidths.each(width -> Stream.of(forward(3, width), backward(3, width)));
    }

    private static Workload<Softmax> forward(int rows, int width) {
        return new Workload<>("softmax", Softmax.class, "forward", rows + "x" + width,
                List.of(normal("x", rows, width), output("y", rows, width)), 4.0 * rows * width,
                (f, m) -> f.forward(m.get(0), m.get(1), rows, width))
                .against(Baseline.ofArrays("softmax", t -> new NDArray[] {t[0].softmax(-1)}));
    }

    private static Workload<Softmax> backward(int rows, int width) {
        return new Workload<>("softmax", Softmax.class, "backward", rows + "x" + width,
                List.of(normal("dy", rows, width), normal("y", rows, width), output("dx", rows, width)),
                4.0 * rows * width,
                (f, m) -> f.backward(m.get(0), m.get(1), m.get(2), rows, width))
                .after((f, m) -> f.forward(m.get(1), m.get(1), rows, width));
    }
}
