package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.squares;
import static org.airelab.benchmarks.kernels.workload.Operand.total;

import ai.djl.ndarray.NDArray;
import java.util.List;
import org.airelab.kernels.optimizer.Adam;
import org.airelab.kernels.optimizer.AdamSettings;
import org.airelab.kernels.optimizer.GradientNorm;
import org.airelab.kernels.optimizer.GradientSum;
import org.airelab.kernels.optimizer.RmsProp;
import org.airelab.kernels.optimizer.RmsPropSettings;
import org.airelab.kernels.optimizer.Sgd;
import org.airelab.kernels.optimizer.SgdSettings;
import org.airelab.kernels.optimizer.UpdateRange;
import org.airelab.torch.Operator;

/** Updates of flat parameters, and their gradient's norm. Learning rates are small enough for any number of calls. */
final class OptimizerWorkloads {
    private static final int SMALL = 1 << 17;
    private static final int LARGE = 1 << 24;
    private static final int HUGE = 1 << 26;
    private static final long STEP = 100;
    private static final Operator DOT = Operator.of("aten::dot", "");
    private static final AdamSettings ADAM = new AdamSettings(1e-6, 0.9, 0.95, 1e-8, 0.1, true);
    private static final SgdSettings SGD = new SgdSettings(1e-7, 0.9, 0, 0, false);
    private static final RmsPropSettings RMSPROP = new RmsPropSettings(1e-7, 0.99, 1e-8, 0, 0, false);

    private OptimizerWorkloads() {
    }

    static List<Workload<?>> gradientNorm() {
        return List.of(gradientNorm(SMALL).alsoQuick(), gradientNorm(LARGE));
    }

    static List<Workload<?>> largeGradientNorm() {
        return List.of(gradientNorm(HUGE).alsoQuick());
    }

    static List<Workload<?>> gradientSum() {
        return List.of(gradientSum(SMALL).alsoQuick(), gradientSum(LARGE));
    }

    static List<Workload<?>> largeGradientSum() {
        return List.of(gradientSum(HUGE).alsoQuick());
    }

    static List<Workload<?>> largeAdam() {
        return List.of(adam(HUGE).alsoQuick());
    }

    static List<Workload<?>> largeSgd() {
        return List.of(sgd(HUGE).alsoQuick());
    }

    static List<Workload<?>> largeRmsProp() {
        return List.of(rmsProp(HUGE).alsoQuick());
    }

    static List<Workload<?>> adam() {
        return List.of(adam(SMALL).alsoQuick(), adam(LARGE));
    }

    static List<Workload<?>> sgd() {
        return List.of(sgd(SMALL).alsoQuick(), sgd(LARGE));
    }

    static List<Workload<?>> rmsProp() {
        return List.of(rmsProp(SMALL).alsoQuick(), rmsProp(LARGE));
    }

    private static Workload<GradientNorm> gradientNorm(int n) {
        return new Workload<>("gradient-norm", GradientNorm.class, "sum-of-squares", String.valueOf(n),
                List.of(normal("values", n), total("sum")), 2.0 * n,
                (f, m) -> f.sumOfSquares(m.get(0), n, m.get(1)))
                .against(Baseline.of("dot", t -> DOT.call().tensor(t[0]).tensor(t[0]).tensors(1)));
    }

    private static Workload<GradientSum> gradientSum(int n) {
        return new Workload<>("gradient-sum", GradientSum.class, "add", String.valueOf(n),
                List.of(normal("addends", n), normal("sums", n).inFloat32().updated()), n,
                (f, m) -> f.add(m.get(0), n, m.get(1)));
    }

    private static Workload<Adam> adam(int n) {
        return new Workload<>("adam", Adam.class, "adamw-step", String.valueOf(n),
                List.of(normal("weights", n).updated(), normal("gradient", n), normal("firstMoment", n).updated(),
                        squares("secondMoment", n).updated()), 14.0 * n,
                (f, m) -> f.step(ADAM, STEP, UpdateRange.all(n), m.get(0), m.get(1), m.get(2), m.get(3)))
                .against(Baseline.ofArrays("mul_, add_, square, sqrt, div and others",
                        t -> adam(t[0], t[1], t[2], t[3])).composed());
    }

    /** As PyTorch's AdamW without foreach and fused does it: those take lists of tensors, the bridge does not. */
    private static NDArray[] adam(NDArray w, NDArray g, NDArray m, NDArray v) {
        w.muli(1 - ADAM.learningRate() * ADAM.weightDecay());
        m.muli(ADAM.beta1()).addi(g.mul(1 - ADAM.beta1()));
        v.muli(ADAM.beta2()).addi(g.square().muli(1 - ADAM.beta2()));
        double step = ADAM.learningRate() / (1 - Math.pow(ADAM.beta1(), STEP));
        NDArray root = v.sqrt().divi(Math.sqrt(1 - Math.pow(ADAM.beta2(), STEP))).addi(ADAM.epsilon());
        w.subi(m.div(root).muli(step));
        return new NDArray[] {w, m, v};
    }

    private static Workload<Sgd> sgd(int n) {
        return new Workload<>("sgd", Sgd.class, "momentum-step", String.valueOf(n),
                List.of(normal("weights", n).updated(), normal("gradient", n), normal("velocity", n).updated()),
                4.0 * n,
                (f, m) -> f.step(SGD, STEP, UpdateRange.all(n), m.get(0), m.get(1), m.get(2)))
                .against(Baseline.ofArrays("mul_, add_, mul, sub_", t -> {
                    t[0].subi(t[2].muli(SGD.momentum()).addi(t[1]).mul(SGD.learningRate()));
                    return new NDArray[] {t[0], t[2]};
                }).composed());
    }

    private static Workload<RmsProp> rmsProp(int n) {
        return new Workload<>("rmsprop", RmsProp.class, "step", String.valueOf(n),
                List.of(normal("weights", n).updated(), normal("gradient", n), squares("squares", n).updated()),
                8.0 * n,
                (f, m) -> f.step(RMSPROP, UpdateRange.all(n), m.get(0), m.get(1), m.get(2), null, null))
                .against(Baseline.ofArrays("mul_, add_, square, sqrt, div, mul, sub_", t -> {
                    t[2].muli(RMSPROP.alpha()).addi(t[1].square().muli(1 - RMSPROP.alpha()));
                    t[0].subi(t[1].div(t[2].sqrt().addi(RMSPROP.epsilon())).mul(RMSPROP.learningRate()));
                    return new NDArray[] {t[0], t[2]};
                }).composed());
    }
}
