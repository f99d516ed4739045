package org.airelab.benchmarks.kernels.gpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;

/** A device's memory for some copies of a workload's operands in an element type, all of one allocation. */
public final class DeviceMemory implements AutoCloseable {
    /** As the driver aligns allocations. */
    private static final long ALIGNMENT = 256;

    private final DeviceBuffer buffer;
    private final List<List<MemorySegment>> copies = new ArrayList<>();

    private DeviceMemory(CudaStream stream, Workload<?> workload, DType dtype, int count) {
        buffer = new DeviceBuffer(stream.device(), count * bytes(workload, dtype));
        long at = 0;
        for (int copy = 0; copy < count; copy++) {
            List<MemorySegment> operands = new ArrayList<>();
            for (Operand operand : workload.operands()) {
                operands.add(buffer.memory().asSlice(at, operand.bytes(dtype)));
                at += aligned(operand.bytes(dtype));
            }
            copies.add(List.copyOf(operands));
        }
    }

    /** Bytes of a copy. */
    static long bytes(Workload<?> workload, DType dtype) {
        return workload.operands().stream().mapToLong(operand -> aligned(operand.bytes(dtype))).sum();
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** One copy that holds what lies in the host's memory, in the operands' order and types. */
    public static DeviceMemory of(CudaStream stream, Workload<?> workload, DType dtype, List<MemorySegment> host) {
        DeviceMemory memory = new DeviceMemory(stream, workload, dtype, 1);
        for (int i = 0; i < host.size(); i++) {
            stream.copy(host.get(i), memory.copy(0).get(i));
        }
        // The host's memory may go as soon as this returns.
        stream.synchronize();
        return memory;
    }

    /** Copies that all hold the same random contents. */
    static DeviceMemory random(CudaStream stream, Workload<?> workload, DType dtype, int count, long seed) {
        DeviceMemory memory = new DeviceMemory(stream, workload, dtype, count);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < workload.operands().size(); i++) {
            Operand operand = workload.operands().get(i);
            if (!operand.poisoned()) {
                fill(stream, operand, dtype, memory.copy(0).get(i), random);
                for (int copy = 1; copy < count; copy++) {
                    stream.copy(memory.copy(0).get(i), memory.copy(copy).get(i));
                }
            }
        }
        return memory;
    }

    /** The host makes the content as far as it repeats; the device copies that on and on. */
    private static void fill(CudaStream stream, Operand operand, DType dtype, MemorySegment target,
            SplittableRandom random) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment begin = arena.allocate(operand.period() * operand.type().bytes(), Long.BYTES);
            operand.fill(begin, random);
            MemorySegment typed = operand.type(dtype) == operand.type() ? begin : encode(arena, begin, dtype);
            stream.copy(typed, target.asSlice(0, typed.byteSize()));
            stream.synchronize();
            for (long done = typed.byteSize(); done < target.byteSize(); ) {
                long length = Math.min(done, target.byteSize() - done);
                stream.copy(target.asSlice(0, length), target.asSlice(done, length));
                done += length;
            }
        }
    }

    /** Float32 numbers rounded to a type. */
    public static MemorySegment encode(Arena arena, MemorySegment floats, DType dtype) {
        long count = floats.byteSize() / Float.BYTES;
        MemorySegment typed = arena.allocate(count * dtype.bytes(), Long.BYTES);
        for (long i = 0; i < count; i++) {
            dtype.set(typed, i, floats.getAtIndex(JAVA_FLOAT, i));
        }
        return typed;
    }

    /** How many copies there are. */
    public int count() {
        return copies.size();
    }

    /** The operands' memory in a copy. */
    public List<MemorySegment> copy(int i) {
        return copies.get(i);
    }

    @Override
    public void close() {
        buffer.close();
    }
}
