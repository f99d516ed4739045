package org.airelab.benchmarks.kernels.workload;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.matmul.MatmulShape;

/**
 * One operation of a kernel family at one shape.
 *
 * @param family      the family's name
 * @param rungType    the family's interface
 * @param operation   which of its operations, such as forward
 * @param shape       the sizes, for people, such as 2048x768
 * @param quick       whether {@code --quick} measures it
 * @param operands    all memory the operation works on
 * @param flops       floating-point operations of one call: additions and multiplications, and each exponential,
 *                    division or root as one
 * @param call        makes one call of a rung
 * @param preparation makes inputs out of others, as a forward pass does for the backward one; null for none
 * @param baseline    libtorch's way on the CPU, or null where it has none the bridge can call
 * @param cudaBaseline the same on a GPU
 * @param gemm        the product that a BLAS does too, or null for anything else
 * @param <R>         the family's interface
 */
public record Workload<R extends Rung>(String family, Class<R> rungType, String operation, String shape, boolean quick,
        List<Operand> operands, double flops, Call<R> call, Call<R> preparation, Baseline baseline,
        Baseline cudaBaseline, MatmulShape gemm) {
    /** Operations a byte from which a kernel's speed is told in FLOP/s instead of bytes a second. */
    private static final double COMPUTE_BOUND = 8;

    /** A call of one operation. */
    @FunctionalInterface
    public interface Call<R> {
        /** Works on the operands' memory, in their order. */
        void on(R rung, List<MemorySegment> operands);
    }

    public Workload {
        operands = List.copyOf(operands);
    }

    /** The numbers that calls have written into operands of an element type, an array for each such operand. */
    public List<float[]> results(List<MemorySegment> memory, DType dtype) {
        return IntStream.range(0, memory.size()).filter(i -> operands.get(i).written())
                .mapToObj(i -> operands.get(i).results(memory.get(i), dtype)).toList();
    }

    /** A workload without preparation and baseline, left out by {@code --quick}. */
    Workload(String family, Class<R> rungType, String operation, String shape, List<Operand> operands, double flops,
            Call<R> call) {
        this(family, rungType, operation, shape, false, operands, flops, call, null, null, null, null);
    }

    /** The same, measured by {@code --quick} too. */
    Workload<R> alsoQuick() {
        return new Workload<>(family, rungType, operation, shape, true, operands, flops, call, preparation, baseline,
                cudaBaseline, gemm);
    }

    /** The same with inputs made by a call of the family's fastest rung. */
    Workload<R> after(Call<R> prepared) {
        return new Workload<>(family, rungType, operation, shape, quick, operands, flops, call, prepared, baseline,
                cudaBaseline, gemm);
    }

    /** The same with libtorch to compare with, which does it in one way on every device. */
    Workload<R> against(Baseline libtorch) {
        return against(libtorch, libtorch);
    }

    /** The same with libtorch's ways on the CPU and on a GPU to compare with. */
    Workload<R> against(Baseline libtorch, Baseline onGpu) {
        return new Workload<>(family, rungType, operation, shape, quick, operands, flops, call, preparation, libtorch,
                onGpu, gemm);
    }

    /** The same, known to be the product of its first two operands, which a BLAS writes to the third. */
    Workload<R> asGemm(MatmulShape product) {
        return new Workload<>(family, rungType, operation, shape, quick, operands, flops, call, preparation, baseline,
                cudaBaseline, product);
    }

    /** {@code family/operation/shape}, unique among workloads. */
    public String id() {
        return family + "/" + operation + "/" + shape;
    }

    /** Bytes one call must at least move in float32: each input read once, each output written once. */
    public double bytes() {
        return bytes(DType.FP32);
    }

    /** The same in an element type. */
    public double bytes(DType dtype) {
        return operands.stream().mapToDouble(operand -> operand.traffic(dtype)).sum();
    }

    /** Bytes of memory of all operands in float32. */
    public long footprint() {
        return footprint(DType.FP32);
    }

    /** The same in an element type. */
    public long footprint(DType dtype) {
        return operands.stream().mapToLong(operand -> operand.bytes(dtype)).sum();
    }

    /** Whether there is so much to compute for each byte of float32 that the speed is told in FLOP/s, in any type. */
    public boolean computeBound() {
        return flops / bytes() >= COMPUTE_BOUND;
    }
}
