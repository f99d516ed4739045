package org.airelab.benchmarks.kernels;

import ai.djl.ndarray.NDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.airelab.benchmarks.kernels.gpu.Measured;
import org.airelab.benchmarks.kernels.workload.Baseline;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.torch.Tensor;

/** A workload with memory, filled and prepared. Equal seeds give equal inputs. */
final class BoundWorkload<R extends Rung> implements AutoCloseable {
    /** The name libtorch has among the kernels of a workload. */
    static final String LIBTORCH = Measured.LIBTORCH;
    /** Rows start where a page starts, as large allocations do. */
    private static final int ALIGNMENT = 4096;

    private final Workload<R> workload;
    private final Family<R> family;
    private final DType dtype;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> memory;
    /** What libtorch's calls are bound to. */
    private final NDManager scope = Baseline.scope();
    private final List<Tensor> tensors = new ArrayList<>();

    BoundWorkload(Workload<R> workload, long seed) {
        this(workload, DType.FP32);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < memory.size(); i++) {
            workload.operands().get(i).fill(memory.get(i), random);
        }
        if (workload.preparation() != null) {
            workload.preparation().on(family.fastest(), memory);
            poisonOutputs(random);
        }
    }

    /** A workload in an element type, its memory a copy of what is given, for libtorch and rungs of that type. */
    BoundWorkload(Workload<R> workload, DType dtype, List<MemorySegment> contents) {
        this(workload, dtype);
        for (int i = 0; i < memory.size(); i++) {
            memory.get(i).copyFrom(contents.get(i));
        }
    }

    private BoundWorkload(Workload<R> workload, DType dtype) {
        this.workload = workload;
        this.family = Workloads.family(workload);
        this.dtype = dtype;
        memory = workload.operands().stream().map(operand -> arena.allocate(operand.bytes(dtype), ALIGNMENT)).toList();
    }

    private void poisonOutputs(SplittableRandom random) {
        for (int i = 0; i < memory.size(); i++) {
            if (workload.operands().get(i).poisoned()) {
                workload.operands().get(i).fill(memory.get(i), random);
            }
        }
    }

    Workload<R> workload() {
        return workload;
    }

    /** What the operands that calls write hold. */
    List<float[]> results() {
        return workload.results(memory, dtype);
    }

    /** The call of the float64 reference. */
    Runnable reference() {
        return () -> workload.call().on(family.reference(), memory);
    }

    /** The call of a rung, or of {@link #LIBTORCH}. */
    Runnable call(String kernel) {
        if (kernel.equals(LIBTORCH)) {
            Supplier<Tensor[]> libtorch = libtorch();
            return () -> {
                for (Tensor result : libtorch.get()) {
                    result.close();
                }
            };
        }
        return call(rung(family, kernel));
    }

    /** The call of a rung, which need not be one that its family has. */
    Runnable call(Rung rung) {
        return () -> workload.call().on(workload.rungType().cast(rung), memory);
    }

    /** A family's rung of that name. */
    static <R extends Rung> R rung(Family<R> family, String name) {
        return family.rungs().stream().filter(r -> r.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("expected a rung of " + family + " among "
                        + family.rungs().stream().map(Rung::name).toList() + ", found " + name));
    }

    /** libtorch's call, which ends with the workload, and whose results the caller closes. */
    Supplier<Tensor[]> libtorch() {
        Tensor[] operands = new Tensor[memory.size()];
        for (int i = 0; i < operands.length; i++) {
            Operand operand = workload.operands().get(i);
            operands[i] = Tensor.over(memory.get(i), operand.type(dtype), operand.dimensions());
            tensors.add(operands[i]);
        }
        return workload.baseline().binding().apply(scope, operands);
    }

    @Override
    public void close() {
        scope.close();
        tensors.forEach(Tensor::close);
        arena.close();
    }
}
