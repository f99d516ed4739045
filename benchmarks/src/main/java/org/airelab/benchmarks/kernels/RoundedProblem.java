package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.airelab.benchmarks.kernels.gpu.DeviceMemory;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;

/**
 * A workload's operands in an element type, outputs poisoned, and the float64 reference's results for the same numbers:
 * inputs are rounded to the type before the reference sees them.
 */
final class RoundedProblem<R extends Rung> implements AutoCloseable {
    private static final long SEED = 20_240_602;

    private final Workload<R> workload;
    private final Family<R> family;
    private final DType dtype;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> encoded;
    private final List<float[]> reference;

    /** Makes the inputs, and the reference's results. */
    RoundedProblem(Workload<R> workload, DType dtype) {
        this.workload = workload;
        this.family = Workloads.family(workload);
        this.dtype = dtype;
        try (Arena temporary = Arena.ofConfined()) {
            List<MemorySegment> host = inputs(temporary);
            encoded = encode(host);
            workload.call().on(family.reference(), host);
            reference = workload.results(host, DType.FP32);
        }
    }

    /** What is asked. */
    Workload<R> workload() {
        return workload;
    }

    /** The element type. */
    DType dtype() {
        return dtype;
    }

    /** The operands before a call, in the element type; a call that writes them is to be given copies. */
    List<MemorySegment> operands() {
        return encoded;
    }

    /** The same numbers in float32, in memory of an arena. */
    List<MemorySegment> widened(Arena target) {
        List<MemorySegment> all = new ArrayList<>();
        for (int i = 0; i < encoded.size(); i++) {
            MemorySegment from = encoded.get(i);
            all.add(workload.operands().get(i).fixed() ? from : target.allocateFrom(JAVA_FLOAT,
                    Accuracy.numbers(from, dtype)));
        }
        return all;
    }

    /** The reference's results. */
    List<float[]> reference() {
        return reference;
    }

    /** The operands in float32, each number one that the element type holds. */
    private List<MemorySegment> inputs(Arena temporary) {
        SplittableRandom random = new SplittableRandom(SEED);
        List<MemorySegment> memory = new ArrayList<>();
        for (Operand operand : workload.operands()) {
            MemorySegment segment = temporary.allocate(operand.bytes(), Long.BYTES);
            operand.fill(segment, random);
            memory.add(segment);
        }
        round(memory);
        if (workload.preparation() != null) {
            workload.preparation().on(family.reference(), memory);
            round(memory);
        }
        for (int i = 0; i < memory.size(); i++) {
            if (workload.operands().get(i).poisoned()) {
                workload.operands().get(i).fill(memory.get(i), random);
            }
        }
        return memory;
    }

    private void round(List<MemorySegment> memory) {
        for (int i = 0; i < memory.size(); i++) {
            if (!workload.operands().get(i).fixed() && dtype != DType.FP32) {
                round(memory.get(i));
            }
        }
    }

    private void round(MemorySegment floats) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment typed = DeviceMemory.encode(temporary, floats, dtype);
            for (long i = 0; i < floats.byteSize() / Float.BYTES; i++) {
                floats.setAtIndex(JAVA_FLOAT, i, dtype.get(typed, i));
            }
        }
    }

    private List<MemorySegment> encode(List<MemorySegment> host) {
        List<MemorySegment> all = new ArrayList<>();
        for (int i = 0; i < host.size(); i++) {
            all.add(workload.operands().get(i).fixed()
                    ? arena.allocateFrom(JAVA_BYTE, host.get(i), JAVA_BYTE, 0, host.get(i).byteSize())
                    : DeviceMemory.encode(arena, host.get(i), dtype));
        }
        return all;
    }

    @Override
    public void close() {
        arena.close();
    }
}
