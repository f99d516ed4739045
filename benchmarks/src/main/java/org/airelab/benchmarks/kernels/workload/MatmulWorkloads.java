package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import java.util.List;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.matmul.MatmulShape;
import org.airelab.torch.Operator;

/** Matrix products: squares, a tall one as a layer of a model has it, and one of few rows as generation has it. */
final class MatmulWorkloads {
    private static final Operator MM = Operator.of("aten::mm", "");

    private MatmulWorkloads() {
    }

    static List<Workload<?>> all() {
        return List.of(product(256, 256, 256).alsoQuick(), product(512, 512, 512), product(1024, 1024, 1024),
                product(2048, 768, 768), product(8, 2048, 2048), product(509, 521, 523));
    }

    private static Workload<Matmul> product(int m, int n, int k) {
        MatmulShape shape = MatmulShape.of(m, n, k);
        return new Workload<>("matmul", Matmul.class, "multiply", m + "x" + n + "x" + k,
                List.of(normal("a", m, k), normal("b", k, n), output("c", m, n)), shape.flops(),
                (f, memory) -> f.multiply(shape, memory.get(0), memory.get(1), null, memory.get(2)))
                .against(Baseline.of("mm", t -> MM.call().tensor(t[0]).tensor(t[1]).tensors(1)));
    }
}
