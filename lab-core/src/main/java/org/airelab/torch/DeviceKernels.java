package org.airelab.torch;

import ai.djl.Device;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaLauncher;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;
import org.airelab.kernels.cuda.Launcher;

/**
 * The lab's kernels for the tensors of a device: of each family the fastest rung that computes there in an element
 * type. On a GPU they are launched on the stream libtorch computes on, so that they run in turn with its own kernels.
 */
public final class DeviceKernels implements AutoCloseable {
    /** libtorch's stream where nobody has chosen another. */
    private static final long DEFAULT_STREAM = 0;

    private final Launcher launcher;
    /** The GPU of the launcher, where it is one. */
    private final Gpu gpu;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final Map<Choice, Rung> rungs = new ConcurrentHashMap<>();

    private record Choice(String family, ScalarType type) {
    }

    /** What is closed again, the last first. */
    private record Gpu(CudaDevice device, CudaStream stream, CudaLauncher launcher) implements AutoCloseable {
        static Gpu open(int ordinal) {
            CudaDevice device = CudaDevice.open(ordinal);
            CudaStream stream = CudaStream.of(device, DEFAULT_STREAM);
            try {
                CudaRung.require(device);
                return new Gpu(device, stream, new CudaLauncher(stream));
            } catch (RuntimeException | Error e) {
                new Gpu(device, stream, null).close();
                throw e;
            }
        }

        @Override
        public void close() {
            try (device; stream; launcher) {
                // Each is closed, also when another fails: after a kernel's fault all do.
            }
        }
    }

    private DeviceKernels(Launcher launcher, Gpu gpu) {
        this.launcher = launcher;
        this.gpu = gpu;
    }

    /**
     * The kernels of one of libtorch's devices.
     *
     * @throws org.airelab.kernels.cuda.MissingCudaException where the GPU's driver cannot be used, the GPU is too old
     *         or there is no compiler for kernels
     */
    public static DeviceKernels on(Device device) {
        if (!device.isGpu()) {
            // libtorch is loaded by now: the kernels then share its threads.
            Parallel.findOpenMp();
            return new DeviceKernels(null, null);
        }
        Gpu gpu = Gpu.open(device.getDeviceId());
        return new DeviceKernels(gpu.launcher, gpu);
    }

    /** CUDA kernels on a launcher of the caller's, whose device's memory is the host's. */
    public static DeviceKernels on(Launcher launcher) {
        return new DeviceKernels(launcher, null);
    }

    /** Whether there are kernels in an element type: on the CPU in float32, on a GPU in half types too. */
    public boolean computesIn(ScalarType type) {
        return type == ScalarType.FLOAT32
                || launcher != null && (type == ScalarType.FLOAT16 || type == ScalarType.BFLOAT16);
    }

    /**
     * The rung of a family to use.
     *
     * @throws IllegalArgumentException when the family has none in that type
     */
    public <R extends Rung> R of(Family<R> family, ScalarType type) {
        @SuppressWarnings("unchecked") // put there for this very family
        R rung = (R) rungs.computeIfAbsent(new Choice(family.name(), type), _ -> launcher == null ? onCpu(family, type)
                : family.fastest(launcher, type.kernelType()));
        return rung;
    }

    private static <R extends Rung> R onCpu(Family<R> family, ScalarType type) {
        if (type != ScalarType.FLOAT32) {
            throw new IllegalArgumentException("expected float32 for a CPU kernel of " + family + ", found " + type);
        }
        return family.fastest();
    }

    /** The same numbers where the kernels read them: on a GPU a copy, which lives as long as the kernels. */
    public MemorySegment onDevice(MemorySegment host) {
        if (gpu == null) {
            return host;
        }
        DeviceBuffer buffer = new DeviceBuffer(gpu.device, host.byteSize());
        buffers.add(buffer);
        gpu.stream.copy(host, buffer.memory());
        return buffer.memory();
    }

    /** Gives back what the kernels hold on the device; no graph that they are part of may be left. */
    @Override
    public void close() {
        try (gpu) {
            buffers.forEach(DeviceBuffer::close);
        }
    }
}
