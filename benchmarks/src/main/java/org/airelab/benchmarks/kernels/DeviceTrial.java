package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.airelab.benchmarks.kernels.gpu.DeviceMemory;
import org.airelab.benchmarks.kernels.gpu.Measured;
import org.airelab.benchmarks.kernels.gpu.TorchWork;
import org.airelab.benchmarks.kernels.gpu.Work;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * One call of kernels on a GPU against the float64 reference, in an element type: the reference sees the inputs as the
 * type holds them. Outputs are poisoned before each call.
 */
final class DeviceTrial<R extends Rung> implements AutoCloseable {
    private static final long SEED = 20_240_602;

    private final Workload<R> workload;
    private final Family<R> family;
    private final DType dtype;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> encoded;
    private final List<float[]> reference;

    /** Makes the inputs, and the reference's results. */
    DeviceTrial(Workload<R> workload, DType dtype) {
        this.workload = workload;
        this.family = Workloads.family(workload);
        this.dtype = dtype;
        try (Arena temporary = Arena.ofConfined()) {
            List<MemorySegment> host = inputs(temporary);
            encoded = encode(host);
            reference = reference(host);
        }
    }

    /** A kernel's results, a rung's or a library's, beside the reference's. */
    Accuracy.Comparison compare(CudaStream stream, Launcher launcher, String kernel) {
        // What fails to close after a fault does not hide the fault.
        try (DeviceMemory memory = DeviceMemory.of(stream, workload, dtype, encoded);
                Work work = Measured.work(workload, kernel, dtype, memory, stream, launcher)) {
            List<float[]> results = work instanceof TorchWork torch ? results(torch, stream)
                    : results(work, memory, stream);
            return Accuracy.compare(workload, dtype, reference, results);
        }
    }

    private List<float[]> results(Work work, DeviceMemory memory, CudaStream stream) {
        work.call(0);
        List<float[]> results = new ArrayList<>();
        for (int i = 0; i < workload.operands().size(); i++) {
            Operand operand = workload.operands().get(i);
            if (operand.written()) {
                results.add(download(memory.copy(0).get(i), stream, host -> operand.results(host, dtype)));
            }
        }
        return results;
    }

    private List<float[]> results(TorchWork work, CudaStream stream) {
        List<float[]> results = new ArrayList<>();
        for (Tensor result : work.compute(0)) {
            try (result) {
                ScalarType type = result.type();
                results.add(download(result.kernelMemory(), stream, host -> decode(host, switch (type) {
                    case FLOAT32 -> DType.FP32;
                    case FLOAT16 -> DType.FP16;
                    case BFLOAT16 -> DType.BF16;
                    default -> throw new IllegalStateException("expected a type kernels compute in, found " + type);
                })));
            }
        }
        return workload.cudaBaseline().packing().apply(results);
    }

    private static float[] download(MemorySegment device, CudaStream stream, Function<MemorySegment, float[]> decoder) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment host = temporary.allocate(device.byteSize(), Long.BYTES);
            stream.copy(device, host);
            stream.synchronize();
            return decoder.apply(host);
        }
    }

    private static float[] decode(MemorySegment memory, DType type) {
        float[] values = new float[Math.toIntExact(memory.byteSize() / type.bytes())];
        for (int i = 0; i < values.length; i++) {
            values[i] = type.get(memory, i);
        }
        return values;
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

    @Override
    public void close() {
        arena.close();
    }
}
