package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import java.util.List;
import java.util.stream.Stream;
import org.airelab.kernels.softmax.Softmax;
import org.airelab.torch.Operator;

/** Softmax of rows: of scores over a context, and of logits over a vocabulary. */
final class SoftmaxWorkloads {
    private static final Operator SOFTMAX = Operator.of("aten::softmax", "int");
    private static final Operator BACKWARD = Operator.of("aten::_softmax_backward_data", "");

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

    static Workload<Softmax> forward(int rows, int width) {
        return new Workload<>("softmax", Softmax.class, "forward", rows + "x" + width,
                List.of(normal("x", rows, width), output("y", rows, width)), 4.0 * rows * width,
                (f, m) -> f.forward(m.get(0), m.get(1), rows, width))
                // Not DJL's: in bfloat16 that ends the JVM.
                .against(Baseline.of("softmax", t -> SOFTMAX.call().tensor(t[0]).integer(-1).none().tensors(1)));
    }

    static Workload<Softmax> backward(int rows, int width) {
        return new Workload<>("softmax", Softmax.class, "backward", rows + "x" + width,
                List.of(normal("dy", rows, width), normal("y", rows, width), output("dx", rows, width)),
                4.0 * rows * width,
                (f, m) -> f.backward(m.get(0), m.get(1), m.get(2), rows, width))
                .after((f, m) -> f.forward(m.get(1), m.get(1), rows, width))
                .against(Baseline.of("_softmax_backward_data", t -> BACKWARD.call().tensor(t[0]).tensor(t[1])
                        .integer(1).integer(t[0].type().code()).tensors(1)));
    }
}
