package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.kernels.norm.LayerNorm;
import org.airelab.kernels.norm.RmsNorm;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;

/** RMS and layer normalization: rows of a small model's width and of a large one's. */
final class NormWorkloads {
    private static final float EPS = 1e-5f;

    private NormWorkloads() {
    }

    static List<Workload<?>> rms() {
        return List.of(rmsForward(256, 768).alsoQuick(), rmsBackward(256, 768).alsoQuick(), rmsForward(512, 4096),
                rmsBackward(512, 4096), rmsForward(8192, 288));
    }

    static List<Workload<?>> layer() {
        return List.of(layerForward(256, 768).alsoQuick(), layerBackward(256, 768).alsoQuick(),
                layerForward(512, 4096), layerBackward(512, 4096), layerForward(8192, 288));
    }

    static List<Workload<?>> largeRms() {
        return List.of(rmsForward(8192, 4096).alsoQuick(), rmsBackward(8192, 4096).alsoQuick(),
                rmsForward(32_768, 768), rmsBackward(32_768, 768), rmsForward(8191, 4097),
                rmsOfSum(32_768, 768), rmsBackwardOfSum(32_768, 768));
    }

    static List<Workload<?>> largeLayer() {
        return List.of(layerForward(8192, 4096).alsoQuick(), layerBackward(8192, 4096).alsoQuick(),
                layerForward(32_768, 768), layerBackward(32_768, 768), layerForward(8191, 4097),
                layerOfSum(32_768, 768), layerBackwardOfSum(32_768, 768));
    }

    static List<Workload<?>> rmsVariants() {
        return RowWidths.each(width -> Stream.of(rmsForward(3, width), rmsBackward(3, width), rmsOfSum(3, width),
                rmsBackwardOfSum(3, width)));
    }

    static List<Workload<?>> layerVariants() {
        return RowWidths.each(width -> Stream.of(layerForward(3, width), layerBackward(3, width), layerOfSum(3, width),
                layerBackwardOfSum(3, width)));
    }

    static Workload<RmsNorm> rmsForward(int rows, int width) {
        return new Workload<>("rms-norm", RmsNorm.class, "forward", rows + "x" + width,
                List.of(normal("x", rows, width), normal("weight", width), output("y", rows, width), output("rstd",
                rows).inFloat32()),
                4.0 * rows * width,
                (norm, m) -> norm.forward(m.get(0), m.get(1), m.get(2), m.get(3), rows, width, EPS))
                .against(Baseline.ofArrays("square, mean, add, rsqrt, mul, mul", NormWorkloads::rms).composed());
    }

    static Workload<RmsNorm> rmsBackward(int rows, int width) {
        return new Workload<>("rms-norm", RmsNorm.class, "backward", rows + "x" + width,
                List.of(normal("dy", rows, width), normal("x", rows, width), normal("weight", width),
                        normal("rstd", rows).inFloat32(), output("dx", rows, width), output("dWeight", width)),
                9.0 * rows * width,
                (norm, m) -> norm.backward(m.get(0), m.get(1), m.get(2), m.get(3), m.get(4), m.get(5), rows, width))
                .after((norm, m) -> norm.forward(m.get(1), m.get(2), m.get(4), m.get(3), rows, width, EPS))
                .against(Baseline.ofArrays("mul, mean, sub, sum and others", NormWorkloads::rmsGradients)
                        .composed());
    }

    static Workload<LayerNorm> layerForward(int rows, int width) {
        return new Workload<>("layer-norm", LayerNorm.class, "forward", rows + "x" + width,
                List.of(normal("x", rows, width), normal("weight", width), normal("bias", width),
                        output("y", rows, width), output("mean", rows).inFloat32(), output("rstd", rows).inFloat32()),
                7.0 * rows * width,
                (norm, m) -> norm.forward(m.get(0), m.get(1), m.get(2), m.get(3), m.get(4), m.get(5), rows, width, EPS))
                .against(Baseline.ofArrays("layer_norm", NormWorkloads::layer));
    }

    static Workload<LayerNorm> layerBackward(int rows, int width) {
        return new Workload<>("layer-norm", LayerNorm.class, "backward", rows + "x" + width,
                List.of(normal("dy", rows, width), normal("x", rows, width), normal("weight", width),
                        normal("mean", rows).inFloat32(), normal("rstd", rows).inFloat32(), output("dx", rows, width),
                        output("dWeight", width), output("dBias", width)),
                12.0 * rows * width,
                (norm, m) -> norm.backward(m.get(0), m.get(1), m.get(2), m.get(3), m.get(4), m.get(5), m.get(6),
                        m.get(7), rows, width))
                .after((norm, m) -> norm.forward(m.get(1), m.get(2), null, m.get(5), m.get(3), m.get(4), rows, width,
                EPS))
                .against(AutogradBaseline.of("layer_norm", t -> layer(t)[0], 0, 1, 2, 7), null);
    }

    private static Workload<RmsNorm> rmsOfSum(int rows, int width) {
        return new Workload<>("rms-norm", RmsNorm.class, "forward-of-sum", rows + "x" + width,
                List.of(normal("x", rows, width), normal("added", rows, width), output("sum", rows, width),
                        normal("weight", width), output("y", rows, width), output("rstd", rows).inFloat32()),
                5.0 * rows * width,
                (norm, m) -> norm.forwardOfSum(m.get(0), m.get(1), m.get(2), m.get(3), m.get(4), m.get(5), rows, width,
                        EPS));
    }

    private static Workload<RmsNorm> rmsBackwardOfSum(int rows, int width) {
        return new Workload<>("rms-norm", RmsNorm.class, "backward-of-sum", rows + "x" + width,
                List.of(normal("dy", rows, width), normal("dSum", rows, width), normal("x", rows, width),
                        normal("weight", width), normal("rstd", rows).inFloat32(), output("dx", rows, width),
                        output("dWeight", width)),
                10.0 * rows * width,
                (norm, m) -> norm.backwardOfSum(m.get(0), m.get(1), m.get(2), m.get(3), m.get(4), m.get(5), m.get(6),
                        rows, width))
                .after((norm, m) -> norm.forward(m.get(2), m.get(3), m.get(5), m.get(4), rows, width, EPS));
    }

    private static Workload<LayerNorm> layerOfSum(int rows, int width) {
        return new Workload<>("layer-norm", LayerNorm.class, "forward-of-sum", rows + "x" + width,
                List.of(normal("x", rows, width), normal("added", rows, width), output("sum", rows, width),
                        normal("weight", width), normal("bias", width), output("y", rows, width),
                        output("mean", rows).inFloat32(), output("rstd", rows).inFloat32()),
                8.0 * rows * width,
                (norm, m) -> norm.forwardOfSum(m.get(0), m.get(1), m.get(2), m.get(3), m.get(4), m.get(5), m.get(6),
                        m.get(7), rows, width, EPS));
    }

    private static Workload<LayerNorm> layerBackwardOfSum(int rows, int width) {
        return new Workload<>("layer-norm", LayerNorm.class, "backward-of-sum", rows + "x" + width,
                List.of(normal("dy", rows, width), normal("dSum", rows, width), normal("x", rows, width),
                        normal("weight", width), normal("mean", rows).inFloat32(), normal("rstd", rows).inFloat32(),
                        output("dx", rows, width), output("dWeight", width), output("dBias", width)),
                13.0 * rows * width,
                (norm, m) -> norm.backwardOfSum(m.get(0), m.get(1), m.get(2), m.get(3), m.get(4), m.get(5), m.get(6),
                        m.get(7), m.get(8), rows, width))
                .after((norm, m) -> norm.forward(m.get(2), m.get(3), null, m.get(6), m.get(4), m.get(5), rows, width,
                EPS));
    }

    private static NDArray[] rms(NDArray[] t) {
        NDArray inverse = Aten.rsqrt(t[0].getManager(), t[0].square().mean(new int[] {-1}, true).add(EPS));
        return new NDArray[] {t[0].mul(inverse).mul(t[1])};
    }

    /** Of dy, x, weight, rstd: with n = x rstd and g = dy weight, dx = rstd (g - n mean(g n)), dWeight = sum dy n. */
    private static NDArray[] rmsGradients(NDArray[] t) {
        NDManager scope = t[1].getManager();
        NDArray inverse = Aten.to(scope, t[3], NativeArrays.type(t[1])).reshape(-1, 1);
        NDArray normed = t[1].mul(inverse);
        NDArray slope = t[0].mul(t[2]);
        NDArray along = slope.mul(normed).mean(new int[] {-1}, true);
        return new NDArray[] {slope.subi(normed.mul(along)).muli(inverse), normed.muli(t[0]).sum(new int[] {0})};
    }

    private static NDArray[] layer(NDArray[] t) {
        Shape width = new Shape(t[0].getShape().tail());
        return new NDArray[] {ai.djl.nn.norm.LayerNorm.layerNorm(t[0], width, t[1], t[2], EPS).singletonOrThrow()};
    }
}
