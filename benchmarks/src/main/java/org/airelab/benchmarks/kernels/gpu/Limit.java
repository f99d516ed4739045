package org.airelab.benchmarks.kernels.gpu;

import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;
import org.airelab.kernels.cuda.LaunchRecorder;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.roofline.PeakKernel;

/** The limits of a device that the roofline is drawn of. */
public enum Limit {
    /** A copy from one end of the device's memory to another, many times as large as the L2 cache. */
    COPY,
    /** Float32 multiply-adds in registers. */
    FMA,
    /** bfloat16 products on the tensor cores; float16's have the same speed. */
    TENSOR;

    private static final int COPY_SIZE = 8;

    /** Bytes a call of {@link #COPY} reads and writes. */
    public static double copiedBytes(long l2) {
        return 2.0 * COPY_SIZE * l2;
    }

    /** Operations of a call of {@link #FMA} or {@link #TENSOR} on such a device. */
    public double flops(int architecture, int multiprocessors) {
        return kernel(new LaunchRecorder(architecture, multiprocessors)).flops();
    }

    private PeakKernel kernel(Launcher launcher) {
        return PeakKernel.of(launcher, this == FMA ? DType.FP32 : DType.BF16);
    }

    /** The work that reaches it. */
    Work work(CudaStream stream, Launcher launcher) {
        if (this == COPY) {
            long bytes = COPY_SIZE * (long) stream.device().l2Bytes();
            DeviceBuffer from = new DeviceBuffer(stream.device(), bytes);
            DeviceBuffer to = new DeviceBuffer(stream.device(), bytes);
            stream.fill(from.memory(), (byte) 0x3c);
            return new LimitWork(() -> stream.copy(from.memory(), to.memory()), from, to);
        }
        PeakKernel kernel = kernel(launcher);
        DeviceBuffer out = new DeviceBuffer(stream.device(), kernel.bytes());
        return new LimitWork(() -> kernel.run(out.memory()), out);
    }

    /** One copy, as nothing depends on where the memory of a limit lies. */
    private static final class LimitWork implements Work {
        private final Runnable call;
        private final DeviceBuffer[] buffers;

        LimitWork(Runnable call, DeviceBuffer... buffers) {
            this.call = call;
            this.buffers = buffers;
        }

        @Override
        public int copies() {
            return 1;
        }

        @Override
        public void call(int copy) {
            call.run();
        }

        @Override
        public void close() {
            for (DeviceBuffer buffer : buffers) {
                buffer.close();
            }
        }
    }
}
