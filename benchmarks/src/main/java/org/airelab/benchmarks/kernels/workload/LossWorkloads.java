package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.ids;
import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.kernels.loss.CrossEntropy;
import org.airelab.torch.Operator;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** Cross-entropy over the vocabularies of a small tokenizer, Llama 2's and GPT-2's. */
final class LossWorkloads {
    private static final long IGNORE = -100;
    /** libtorch's name for a loss of each row. */
    private static final int NO_REDUCTION = 0;
    private static final Operator CROSS_ENTROPY = Operator.of("aten::cross_entropy_loss", "");
    private static final Operator LOG_SOFTMAX = Operator.of("aten::_log_softmax", "");
    private static final Operator LOG_SOFTMAX_BACKWARD = Operator.of("aten::_log_softmax_backward_data", "");
    private static final Operator ONES_LIKE = Operator.of("aten::ones_like", "");
    private static final Operator NLL = Operator.of("aten::nll_loss_forward", "");
    private static final Operator NLL_BACKWARD = Operator.of("aten::nll_loss_backward", "");

    private LossWorkloads() {
    }

    static List<Workload<?>> crossEntropy() {
        return List.of(forward(64, 4096).alsoQuick(), forwardBackward(64, 4096).alsoQuick(), forward(256, 32_000),
                forwardBackward(256, 32_000), forward(128, 50_257), forwardBackward(128, 50_257));
    }

    /** GPT-2's and Llama 3's vocabularies, a micro-batch's rows. */
    static List<Workload<?>> largeCrossEntropy() {
        return List.of(forward(8192, 50_257), forwardBackward(8192, 50_257).alsoQuick(), forward(4096, 128_256),
                forwardBackward(4096, 128_256));
    }

    /** Wide vocabularies too: a CUDA rung holds up to 18 chunks a thread, some of them in shared memory. */
    static List<Workload<?>> variants() {
        List<Workload<?>> any = RowWidths.each(vocabulary -> Stream.of(forward(3, vocabulary),
                forwardBackward(3, vocabulary)));
        return Stream.concat(any.stream(), IntStream.range(8, 21).flatMap(chunks -> IntStream.of(2048 * chunks - 3,
                4096 * chunks - 3)).distinct().<Workload<?>>mapToObj(wide -> forwardBackward(3, wide))).toList();
    }

    static Workload<CrossEntropy> forward(int rows, int vocabulary) {
        return new Workload<>("cross-entropy", CrossEntropy.class, "forward", rows + "x" + vocabulary,
                List.of(normal("logits", rows, vocabulary), ids("targets", vocabulary, rows),
                        output("losses", rows).inFloat32()), 3.0 * rows * vocabulary,
                (f, m) -> f.forward(m.get(0), m.get(1), m.get(2), rows, vocabulary, IGNORE))
                .against(Baseline.of("cross_entropy_loss", t -> CROSS_ENTROPY.call().tensor(t[0]).tensor(t[1]).none()
                        .integer(NO_REDUCTION).integer(IGNORE).real(0).tensors(1)));
    }

    /** The gradient takes the logits' place, and is the next call's logits: of all sizes, none of them 0. */
    static Workload<CrossEntropy> forwardBackward(int rows, int vocabulary) {
        return new Workload<>("cross-entropy", CrossEntropy.class, "forward-backward", rows + "x" + vocabulary,
                List.of(normal("logits", rows, vocabulary).updated(), ids("targets", vocabulary, rows),
                        output("losses", rows).inFloat32()), 6.0 * rows * vocabulary,
                (f, m) -> f.forwardBackward(m.get(0), m.get(1), m.get(2), rows, vocabulary, IGNORE, 1))
                .against(new Baseline("_log_softmax, nll_loss and their backward",
                        (scope, t) -> composed(scope, t, rows)).composed());
    }

    /** What autograd runs for the losses and the gradient of their sum. */
    private static Supplier<Tensor[]> composed(NDManager scope, Tensor[] t, int rows) {
        ScalarType type = t[0].type();
        NDArray slopes = ones(type, t[0].device(), rows).attach(scope);
        return () -> {
            try (Tensor logits = LOG_SOFTMAX.call().tensor(t[0]).integer(1).bool(false).tensors(1)[0]) {
                Tensor[] losses = NLL.call().tensor(logits).tensor(t[1]).none().integer(NO_REDUCTION).integer(IGNORE)
                        .tensors(2);
                try (Tensor weight = losses[1]; Tensor slope = NLL_BACKWARD.call().tensor(slopes).tensor(logits)
                        .tensor(t[1]).none().integer(NO_REDUCTION).integer(IGNORE).tensor(weight).tensors(1)[0]) {
                    Tensor gradient = LOG_SOFTMAX_BACKWARD.call().tensor(slope).tensor(logits).integer(1)
                            .integer(type.code()).tensors(1)[0];
                    return new Tensor[] {gradient, losses[0]};
                }
            }
        };
    }

    private static Tensor ones(ScalarType type, Device device, int count) {
        try (Tensor shape = Tensor.empty(type, device, count)) {
            return ONES_LIKE.call().tensor(shape).none().none().none().none().none().tensors(1)[0];
        }
    }
}
