package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.airelab.kernels.activation.Activation;
import org.airelab.kernels.activation.SwiGlu;
import org.airelab.torch.Aten;
import org.airelab.torch.Operator;
import org.airelab.torch.TanhGelu;
import org.airelab.torch.Tensor;

/** Functions of single elements, at the size of a feed-forward block's inside. */
final class ActivationWorkloads {
    private static final Operator RELU = Operator.of("aten::relu", "");
    private static final Operator SILU = Operator.of("aten::silu", "");
    private static final Operator EMPTY_LIKE = Operator.of("aten::empty_like", "");
    private static final Operator MUL_OUT = Operator.of("aten::mul", "out");
    private static final Operator SILU_BACKWARD_OUT = Operator.of("aten::silu_backward", "grad_input");
    private static final Operator NARROW = Operator.of("aten::narrow", "");

    private ActivationWorkloads() {
    }

    static List<Workload<?>> largeGelu() {
        return List.of(forward("gelu", 8192, 16_384, 20).against(geluOfTorch()).alsoQuick(),
                backward("gelu", 8192, 16_384, 25).alsoQuick());
    }

    static List<Workload<?>> largeGeluTanh() {
        return List.of(forward("gelu-tanh", 8192, 16_384, 12).alsoQuick(),
                backward("gelu-tanh", 8192, 16_384, 20).alsoQuick());
    }

    static List<Workload<?>> largeRelu() {
        return List.of(forward("relu", 8192, 16_384, 1).against(reluOfTorch()).alsoQuick(),
                backward("relu", 8192, 16_384, 1).alsoQuick());
    }

    static List<Workload<?>> largeSwiGlu() {
        return List.of(swiGluForward(8192, 14_336).alsoQuick(), swiGluBackward(8192, 14_336).alsoQuick());
    }

    private static Baseline geluOfTorch() {
        return Baseline.ofArrays("gelu", t -> new NDArray[] {geluOfTorch(t[0])});
    }

    private static NDArray geluOfTorch(NDArray x) {
        return ai.djl.nn.Activation.gelu(new NDList(x)).singletonOrThrow();
    }

    private static Baseline reluOfTorch() {
        return Baseline.of("relu", t -> RELU.call().tensor(t[0]).tensors(1));
    }

    static List<Workload<?>> gelu() {
        Baseline gelu = geluOfTorch();
        Baseline back = AutogradBaseline.of("gelu", t -> geluOfTorch(t[0]), 0, 1);
        return List.of(forward("gelu", 64, 2048, 20).against(gelu).alsoQuick(),
                backward("gelu", 64, 2048, 25).against(back, null).alsoQuick(),
                forward("gelu", 4096, 3072, 20).against(gelu),
                backward("gelu", 4096, 3072, 25).against(back, null));
    }

    static List<Workload<?>> geluTanh() {
        Baseline gelu = Baseline.of("gelu, tanh", t -> new Tensor[] {TanhGelu.forward(t[0])});
        Baseline back = Baseline.of("gelu_backward, tanh", t -> new Tensor[] {TanhGelu.backward(t[0], t[1])});
        return List.of(forward("gelu-tanh", 64, 2048, 12).against(gelu, null).alsoQuick(),
                backward("gelu-tanh", 64, 2048, 20).against(back, null).alsoQuick(),
                forward("gelu-tanh", 4096, 3072, 12).against(gelu, null),
                backward("gelu-tanh", 4096, 3072, 20).against(back, null));
    }

    static List<Workload<?>> relu() {
        Baseline relu = reluOfTorch();
        Baseline back = AutogradBaseline.of("relu", t -> Aten.relu(t[0].getManager(), t[0]), 0, 1);
        return List.of(forward("relu", 64, 2048, 1).against(relu).alsoQuick(),
                // Without a baseline: at this size autograd takes as long for itself as the kernel does.
                backward("relu", 64, 2048, 1).alsoQuick(),
                forward("relu", 4096, 3072, 1).against(relu),
                backward("relu", 4096, 3072, 1).against(back, null));
    }

    private static Workload<Activation> forward(String family, int rows, int width, double flopsEach) {
        long count = (long) rows * width;
        return new Workload<>(family, Activation.class, "forward", rows + "x" + width,
                List.of(normal("x", rows, width), output("y", rows, width)), flopsEach * count,
                (f, m) -> f.forward(m.get(0), m.get(1), count));
    }

    private static Workload<Activation> backward(String family, int rows, int width, double flopsEach) {
        long count = (long) rows * width;
        return new Workload<>(family, Activation.class, "backward", rows + "x" + width,
                List.of(normal("dy", rows, width), normal("x", rows, width), output("dx", rows, width)),
                flopsEach * count,
                (f, m) -> f.backward(m.get(0), m.get(1), m.get(2), count));
    }

    static List<Workload<?>> swiGlu() {
        return List.of(swiGluForward(64, 2048).alsoQuick(), swiGluBackward(64, 2048).alsoQuick(),
                swiGluForward(2048, 5632), swiGluBackward(2048, 5632));
    }

    static Workload<SwiGlu> swiGluForward(int rows, int hidden) {
        return new Workload<>("swiglu", SwiGlu.class, "forward", rows + "x" + hidden,
                List.of(normal("gateUp", rows, 2L * hidden), output("y", rows, hidden)), 4.0 * rows * hidden,
                (f, m) -> f.forward(m.get(0), m.get(1), rows, hidden))
                .against(Baseline.ofArrays("silu, mul", t -> siluTimesUp(t[0], hidden)).composed());
    }

    private static NDArray[] siluTimesUp(NDArray gateUp, int hidden) {
        NDManager scope = gateUp.getManager();
        NDArray gate = Aten.silu(scope, Aten.narrow(scope, gateUp, -1, 0, hidden));
        return new NDArray[] {gate.mul(Aten.narrow(scope, gateUp, -1, hidden, hidden))};
    }

    static Workload<SwiGlu> swiGluBackward(int rows, int hidden) {
        return new Workload<>("swiglu", SwiGlu.class, "backward", rows + "x" + hidden,
                List.of(normal("dy", rows, hidden), normal("gateUp", rows, 2L * hidden),
                        output("dGateUp", rows, 2L * hidden)), 10.0 * rows * hidden,
                (f, m) -> f.backward(m.get(0), m.get(1), m.get(2), rows, hidden))
                .against(Baseline.of("silu, mul, mul, silu_backward", t -> swiGluGradient(t[0], t[1], hidden))
                        .composed());
    }

    /** The halves written where they belong, which saves what autograd spends on joining them. */
    private static Tensor[] swiGluGradient(Tensor dy, Tensor gateUp, int hidden) {
        Tensor gradient = EMPTY_LIKE.call().tensor(gateUp).none().none().none().none().none().tensors(1)[0];
        try (Tensor gate = half(gateUp, 0, hidden); Tensor up = half(gateUp, hidden, hidden);
                Tensor dGate = half(gradient, 0, hidden); Tensor dUp = half(gradient, hidden, hidden);
                Tensor swish = SILU.call().tensor(gate).tensors(1)[0]) {
            MUL_OUT.call().tensor(dy).tensor(swish).tensor(dUp).tensors(1)[0].close();
            MUL_OUT.call().tensor(dy).tensor(up).tensor(dGate).tensors(1)[0].close();
            SILU_BACKWARD_OUT.call().tensor(dGate).tensor(gate).tensor(dGate).tensors(1)[0].close();
        }
        return new Tensor[] {gradient};
    }

    private static Tensor half(Tensor x, int start, int length) {
        return NARROW.call().tensor(x).integer(-1).integer(start).integer(length).tensors(1)[0];
    }
}
