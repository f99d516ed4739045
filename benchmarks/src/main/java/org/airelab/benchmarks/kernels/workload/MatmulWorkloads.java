package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.matmul.MatmulShape;
import org.airelab.torch.Operator;
import org.airelab.torch.Tensor;

/**
 * Matrix products: squares, one of few rows as generation has it, odd sizes, and those of a training step of a small
 * model, forward (x W^T) and backward (dY W and dY^T x).
 */
final class MatmulWorkloads {
    private static final Operator MM = Operator.of("aten::mm", "");
    private static final Operator TRANSPOSE = Operator.of("aten::transpose", "int");

    private MatmulWorkloads() {
    }

    static List<Workload<?>> all() {
        return List.of(product(256, 256, 256).alsoQuick(), product(512, 512, 512), product(1024, 1024, 1024),
                product(8, 2048, 2048), product(509, 521, 523), product(MatmulShape.of(2048, 864, 288), false, true),
                product(MatmulShape.of(2048, 288, 768), false, true),
                product(MatmulShape.of(4096, 192, 64), false, true), product(2048, 288, 864),
                product(MatmulShape.of(864, 288, 2048), true, false));
    }

    /** Squares, products of a training step of models of width 4096 and 768, generation, and odd sizes. */
    static List<Workload<?>> large() {
        return List.of(product(4096, 4096, 4096).alsoQuick(), product(MatmulShape.of(4096, 11_008, 4096), false, true),
                product(4096, 4096, 11_008), product(MatmulShape.of(11_008, 4096, 4096), true, false),
                product(16, 8192, 8192), product(4095, 4093, 4097), product(2048, 2048, 2048),
                product(8192, 8192, 8192), product(MatmulShape.of(32_768, 2304, 768), false, true),
                product(32_768, 768, 2304), product(MatmulShape.of(2304, 768, 32_768), true, false));
    }

    /**
     * Results that each tile is chosen for on a data center's GPU, with all transpositions and epilogues; a depth that
     * is sliced; operands whose rows are aligned to 16 bytes and that have others.
     */
    static List<Workload<?>> variants() {
        Stream<MatmulShape> tiles = Stream.of(MatmulShape.of(2048, 2048, 24), MatmulShape.of(1472, 1472, 24),
                MatmulShape.of(1216, 1344, 24), MatmulShape.of(768, 1024, 24), MatmulShape.of(640, 640, 40))
                .flatMap(MatmulWorkloads::inAllWays);
        Stream<MatmulShape> others = Stream.of(MatmulShape.of(1024, 1536, 24), MatmulShape.of(12_288, 32, 40),
                MatmulShape.of(64, 64, 1024), MatmulShape.of(639, 641, 43),
                MatmulShape.of(639, 641, 43).transposed(false, true),
                MatmulShape.of(640, 641, 43).transposed(true, false),
                MatmulShape.of(639, 641, 40).transposed(true, true));
        return Stream.concat(tiles, others).<Workload<?>>map(MatmulWorkloads::multiply).toList();
    }

    /**
     * All transpositions and all epilogues, the ones being how operands are read and the others what is done to
     * results. The last one's results have rows that are not aligned, if those of the shape are.
     */
    private static Stream<MatmulShape> inAllWays(MatmulShape s) {
        return Stream.of(s, s.transposed(false, true), s.transposed(true, false).with(MatmulShape.Epilogue.GELU),
                MatmulShape.of(s.m(), s.n() - 1, s.k()).transposed(true, true).with(MatmulShape.Epilogue.SILU));
    }

    static Workload<Matmul> product(int m, int n, int k) {
        return product(MatmulShape.of(m, n, k), false, false);
    }

    /** With {@code nt} or {@code tn} in the name, as BLAS has it, for an operand that lies in memory transposed. */
    static Workload<Matmul> product(MatmulShape plain, boolean transposeA, boolean transposeB) {
        MatmulShape s = plain.transposed(transposeA, transposeB);
        return multiply(s).against(new Baseline("mm", (scope, t) -> {
            NDArray a = (transposeA ? transposed(t[0]) : t[0].share()).attach(scope);
            NDArray b = (transposeB ? transposed(t[1]) : t[1].share()).attach(scope);
            return () -> MM.call().tensor(a).tensor(b).tensors(1);
        })).asGemm(s);
    }

    private static Workload<Matmul> multiply(MatmulShape s) {
        String layout = s.transposeA() || s.transposeB()
                ? (s.transposeA() ? "-t" : "-n") + (s.transposeB() ? "t" : "n") : "";
        String epilogue = s.epilogue() == MatmulShape.Epilogue.NONE ? ""
                : "-" + s.epilogue().name().toLowerCase(Locale.ROOT);
        return new Workload<>("matmul", Matmul.class, "multiply", s.m() + "x" + s.n() + "x" + s.k() + layout + epilogue,
                List.of(s.transposeA() ? normal("a", s.k(), s.m()) : normal("a", s.m(), s.k()),
                        s.transposeB() ? normal("b", s.n(), s.k()) : normal("b", s.k(), s.n()),
                        output("c", s.m(), s.n())),
                s.flops(), (f, memory) -> f.multiply(s, memory.get(0), memory.get(1), null, memory.get(2)));
    }

    /** A view: libtorch hands it to its BLAS as such. */
    private static Tensor transposed(Tensor matrix) {
        return TRANSPOSE.call().tensor(matrix).integer(0).integer(1).tensors(1)[0];
    }
}
