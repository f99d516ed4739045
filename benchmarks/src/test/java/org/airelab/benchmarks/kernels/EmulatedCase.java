package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;

/**
 * A workload in an element type, for CUDA rungs that are executed on the CPU, and what libtorch makes of it. In a half
 * type that is its operation in float32 on the same inputs, the results rounded: what it has of its own in half types
 * is less exact. Only the largest error of attention's backward pass is compared with that of its own: whoever
 * multiplies probabilities and the scores' gradients on tensor cores rounds them first, and of tens of thousands of
 * sums a few are then off by more.
 */
final class EmulatedCase<R extends Rung> implements AutoCloseable {
    /** Families whose naive rung adds up a row one element after the other. */
    private static final Set<String> NAIVE_ROWS =
            Set.of("softmax", "cross-entropy", "rms-norm", "layer-norm", "attention");

    private final RoundedProblem<R> problem;
    private final List<Deviation> limits;

    EmulatedCase(Workload<R> workload, DType dtype) {
        problem = new RoundedProblem<>(workload, dtype);
        List<Deviation> rounded;
        try (Arena arena = Arena.ofShared()) {
            rounded = deviations(rounded(libtorch(DType.FP32, problem.widened(arena))));
        }
        boolean backward = workload.family().equals("attention") && workload.operation().equals("backward");
        List<Deviation> own = backward ? deviations(libtorch(dtype, problem.operands())) : rounded;
        limits = IntStream.range(0, own.size())
                .mapToObj(i -> new Deviation(rounded.get(i).rms(), own.get(i).largest())).toList();
        assertFalse(limits.isEmpty(), () -> "libtorch has no results of " + workload.id());
    }

    private List<float[]> libtorch(DType dtype, List<MemorySegment> operands) {
        try (BoundWorkload<R> bound = new BoundWorkload<>(problem.workload(), dtype, operands)) {
            return Accuracy.libtorch(bound);
        }
    }

    private List<Deviation> deviations(List<float[]> results) {
        return IntStream.range(0, results.size())
                .mapToObj(i -> Deviation.of(problem.reference().get(i), results.get(i))).toList();
    }

    /** Results as the type holds them, but for those that are float32 in each. */
    private List<float[]> rounded(List<float[]> results) {
        List<Operand> written = problem.workload().operands().stream().filter(Operand::written).toList();
        for (int i = 0; i < results.size(); i++) {
            if (!written.get(i).fixed()) {
                round(results.get(i), problem.dtype());
            }
        }
        return results;
    }

    private static void round(float[] values, DType dtype) {
        MemorySegment element = MemorySegment.ofArray(new float[1]);
        for (int i = 0; i < values.length; i++) {
            dtype.set(element, 0, values[i]);
            values[i] = dtype.get(element, 0);
        }
    }

    /** The rungs that the CPU can execute in the type. */
    Stream<CudaRung<R>> rungs() {
        return Workloads.family(problem.workload()).cudaRungs().stream()
                .filter(rung -> rung.portable() && rung.dtypes().contains(problem.dtype()));
    }

    /** The rung of that name. */
    CudaRung<R> rung(String name) {
        return rungs().filter(rung -> rung.name().equals(name)).findFirst().orElseThrow();
    }

    /**
     * How many numbers a rung adds up one after the other where libtorch adds up parts: see {@link Peer}. Along the
     * depth of a product all rungs do, as each sum is in a thread's registers from the first product to the last.
     */
    int terms(CudaRung<R> rung) {
        Workload<R> workload = problem.workload();
        if (workload.gemm() != null) {
            return workload.gemm().k();
        }
        boolean serial = rung.name().equals("naive") && NAIVE_ROWS.contains(workload.family());
        return serial ? Math.toIntExact(workload.operands().getFirst().shape()[1]) : 1;
    }

    /** Executes a rung, and asserts that it is as exact as it must be if it adds up so many numbers. */
    void assertAtMostTwice(CudaRung<R> rung, HostLauncher host, int terms) {
        List<MemorySegment> memory = problem.operands().stream().map(host::copy).toList();
        problem.workload().call().on(rung.on(host, problem.dtype()), memory);
        host.synchronize();
        List<float[]> actual = problem.workload().results(memory, problem.dtype());
        for (int i = 0; i < limits.size(); i++) {
            Peer.assertAtMostTwice(problem.reference().get(i), limits.get(i), actual.get(i), terms,
                    rung.name() + " in " + problem.dtype() + ", result " + i);
        }
    }

    @Override
    public void close() {
        problem.close();
    }
}
