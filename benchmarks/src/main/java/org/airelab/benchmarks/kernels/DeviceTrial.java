package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaLauncher;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;

/**
 * One call of a family's CUDA rungs on a GPU against the float64 reference, in an element type: the reference sees the
 * inputs as the type holds them. Outputs are poisoned before each call.
 */
final class DeviceTrial<R extends Rung> {
    private static final long SEED = 20_240_602;

    private final Workload<R> workload;
    private final Family<R> family;
    private final DType dtype;

    DeviceTrial(Workload<R> workload, DType dtype) {
        this.workload = workload;
        this.family = Workloads.family(workload);
        this.dtype = dtype;
    }

    /** The largest error of the rung's results, in {@link Accuracy}'s units. */
    double error(CudaDevice device, String rung) {
        CudaRung<R> kernel = family.cudaRungs().stream()
                .filter(r -> r.name().equals(rung) && r.dtypes().contains(dtype)).findFirst().orElseThrow();
        try (Arena arena = Arena.ofConfined(); CudaStream stream = new CudaStream(device);
                CudaLauncher launcher = new CudaLauncher(stream)) {
            List<MemorySegment> host = inputs(arena);
            List<MemorySegment> encoded = encode(arena, host);
            List<float[]> reference = reference(host);
            return Accuracy.error(reference, run(kernel.on(launcher, dtype), encoded, stream, arena));
        }
    }

    /** The operands in float32, each number one that the element type holds. */
    private List<MemorySegment> inputs(Arena arena) {
        SplittableRandom random = new SplittableRandom(SEED);
        List<MemorySegment> memory = new ArrayList<>();
        for (Operand operand : workload.operands()) {
            MemorySegment segment = arena.allocate(operand.bytes(), Long.BYTES);
            operand.fill(segment, random);
            memory.add(segment);
        }
        round(memory, arena);
        if (workload.preparation() != null) {
            workload.preparation().on(family.reference(), memory);
            round(memory, arena);
        }
        for (int i = 0; i < memory.size(); i++) {
            if (workload.operands().get(i).poisoned()) {
                workload.operands().get(i).fill(memory.get(i), random);
            }
        }
        return memory;
    }

    private void round(List<MemorySegment> memory, Arena arena) {
        for (int i = 0; i < memory.size(); i++) {
            if (!workload.operands().get(i).fixed()) {
                MemorySegment typed = convert(arena, memory.get(i));
                for (long j = 0; j < memory.get(i).byteSize() / Float.BYTES; j++) {
                    memory.get(i).setAtIndex(JAVA_FLOAT, j, dtype.get(typed, j));
                }
            }
        }
    }

    private MemorySegment convert(Arena arena, MemorySegment floats) {
        long count = floats.byteSize() / Float.BYTES;
        MemorySegment typed = arena.allocate(count * dtype.bytes(), Long.BYTES);
        for (long j = 0; j < count; j++) {
            dtype.set(typed, j, floats.getAtIndex(JAVA_FLOAT, j));
        }
        return typed;
    }

    private List<MemorySegment> encode(Arena arena, List<MemorySegment> host) {
        List<MemorySegment> encoded = new ArrayList<>();
        for (int i = 0; i < host.size(); i++) {
            encoded.add(workload.operands().get(i).fixed() ? arena.allocateFrom(JAVA_BYTE,
                    host.get(i).toArray(JAVA_BYTE)) : convert(arena, host.get(i)));
        }
        return encoded;
    }

    private List<float[]> reference(List<MemorySegment> host) {
        workload.call().on(family.reference(), host);
        List<float[]> results = new ArrayList<>();
        for (int i = 0; i < host.size(); i++) {
            if (workload.operands().get(i).written()) {
                results.add(workload.operands().get(i).results(host.get(i), DType.FP32));
            }
        }
        return results;
    }

    private List<float[]> run(R rung, List<MemorySegment> encoded, CudaStream stream, Arena arena) {
        List<DeviceBuffer> buffers = new ArrayList<>();
        try {
            List<MemorySegment> device = new ArrayList<>();
            for (MemorySegment segment : encoded) {
                DeviceBuffer buffer = new DeviceBuffer(stream.device(), segment.byteSize());
                buffers.add(buffer);
                device.add(buffer.memory());
                stream.copy(segment, buffer.memory());
            }
            workload.call().on(rung, device);
            List<float[]> results = new ArrayList<>();
            for (int i = 0; i < device.size(); i++) {
                if (workload.operands().get(i).written()) {
                    MemorySegment back = arena.allocate(device.get(i).byteSize(), Long.BYTES);
                    stream.copy(device.get(i), back);
                    stream.synchronize();
                    results.add(workload.operands().get(i).results(back, dtype));
                }
            }
            return results;
        } finally {
            buffers.forEach(DeviceBuffer::close);
        }
    }
}
