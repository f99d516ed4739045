package org.airelab.benchmarks.kernels.gpu;

import java.util.Optional;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.torch.TorchStream;

/** What is measured on a GPU, by its name among the kernels of a workload. */
public final class Measured {
    /** The name of cuBLAS; libtorch's is the same as on the CPU, any other is a rung's. */
    public static final String CUBLAS = "cublas";
    /** The name of libtorch. */
    public static final String LIBTORCH = "libtorch";
    /** The name of a {@link Limit}, whose own name then stands for the workload. */
    public static final String ROOFLINE = "roofline";

    private Measured() {
    }

    /** The library that a workload in a type is compared with, whether it is there or not; empty for none. */
    public static Optional<String> library(Workload<?> workload, DType dtype) {
        if (workload.gemm() != null) {
            return Optional.of(CUBLAS);
        }
        return workload.cudaBaseline() != null && workload.cudaBaseline().dtypes().contains(dtype)
                ? Optional.of(LIBTORCH) : Optional.empty();
    }

    /** What that library is called for, for reports. */
    public static String call(Workload<?> workload, DType dtype) {
        return workload.gemm() != null ? CUBLAS + ": " + CublasWork.function(dtype)
                : LIBTORCH + ": " + workload.cudaBaseline().name();
    }

    /** Why this machine cannot call a library on a GPU; empty when it can. */
    public static Optional<String> missing(String library) {
        if (library.equals(CUBLAS)) {
            return CublasWork.missing();
        }
        return TorchStream.available() ? Optional.empty()
                : Optional.of("this libtorch is a CPU build or sees no GPU");
    }

    /** A kernel's work on memory that holds its inputs. */
    public static <R extends Rung> Work work(Workload<R> workload, String kernel, DType dtype, DeviceMemory memory,
            CudaStream stream, Launcher launcher) {
        return switch (kernel) {
            case CUBLAS -> new CublasWork(workload, dtype, memory, stream);
            case LIBTORCH -> new TorchWork(workload, dtype, memory, stream);
            default -> new KernelWork<>(workload, KernelWork.rung(workload, kernel, dtype, launcher), memory);
        };
    }

    /** As many copies of a workload's memory as a mode takes, with random contents and prepared. */
    static <R extends Rung> DeviceMemory memory(Workload<R> workload, DType dtype, boolean cold, CudaStream stream,
            Launcher launcher) {
        int copies = Rotation.copies(DeviceMemory.bytes(workload, dtype), cold ? 0 : stream.device().l2Bytes(),
                stream.device().freeBytes());
        DeviceMemory memory = DeviceMemory.random(stream, workload, dtype, copies, copies);
        KernelWork.prepare(workload, dtype, memory, launcher);
        return memory;
    }
}
