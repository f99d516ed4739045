package org.airelab.benchmarks.kernels.gpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;
import org.airelab.kernels.cuda.JCudaInterop;
import org.airelab.kernels.cuda.MissingCudaException;
import org.airelab.kernels.matmul.MatmulShape;

/**
 * Products by cuBLAS on our stream: {@code cublasSgemm} in float32 (no TF32, as ours), {@code cublasGemmEx} in half
 * types with float32 sums.
 */
final class CublasWork implements Work {
    private static final String LIBRARY = "libcublas.so.12";
    /** As NVIDIA recommends for Hopper (cuBLAS, "cublasSetWorkspace"); a graph cannot use one that comes later. */
    private static final long WORKSPACE = 32L << 20;

    private final cublasHandle handle = new cublasHandle();
    private final DeviceBuffer workspace;
    private final DeviceMemory memory;
    private final GemmCall gemm;
    private final DType dtype;
    private final int type;
    private final Pointer alpha;
    private final Pointer beta;

    CublasWork(Workload<?> workload, DType dtype, DeviceMemory memory, CudaStream stream) {
        load();
        MatmulShape shape = workload.gemm();
        this.memory = memory;
        this.dtype = dtype;
        gemm = GemmCall.of(shape);
        alpha = Pointer.to(new float[] {shape.alpha()});
        beta = Pointer.to(new float[] {shape.beta()});
        type = switch (dtype) {
            case FP32 -> cudaDataType.CUDA_R_32F;
            case FP16 -> cudaDataType.CUDA_R_16F;
            case BF16 -> cudaDataType.CUDA_R_16BF;
        };
        // Making the buffer makes the device's context current, in which cuBLAS makes its handle.
        workspace = new DeviceBuffer(stream.device(), WORKSPACE);
        check(JCublas2.cublasCreate(handle), "cublasCreate");
        check(JCublas2.cublasSetStream(handle, new cudaStream_t(JCudaInterop.stream(stream))), "cublasSetStream");
        check(JCublas2.cublasSetWorkspace(handle, JCudaInterop.pointer(workspace.memory()), WORKSPACE),
                "cublasSetWorkspace");
    }

    private static void load() {
        JCudaInterop.load("JCublas2", LIBRARY, () -> JCublas2.setExceptionsEnabled(false));
    }

    /** What this machine lacks for cuBLAS; empty when it lacks nothing. */
    static Optional<String> missing() {
        try {
            load();
            return Optional.empty();
        } catch (MissingCudaException e) {
            return Optional.of(e.getMessage());
        }
    }

    /** The function that is called for a type. */
    static String function(DType dtype) {
        return dtype == DType.FP32 ? "cublasSgemm" : "cublasGemmEx";
    }

    @Override
    public int copies() {
        return memory.count();
    }

    @Override
    public void call(int copy) {
        List<MemorySegment> operands = memory.copy(copy);
        Pointer a = JCudaInterop.pointer(operands.get(0));
        Pointer b = JCudaInterop.pointer(operands.get(1));
        Pointer c = JCudaInterop.pointer(operands.get(2));
        int first = operation(gemm.transposeFirst());
        int second = operation(gemm.transposeSecond());
        if (dtype == DType.FP32) {
            check(JCublas2.cublasSgemm(handle, first, second, gemm.m(), gemm.n(), gemm.k(), alpha, b, gemm.ldFirst(), a,
                    gemm.ldSecond(), beta, c, gemm.ldResult()), "cublasSgemm");
        } else {
            // JCublas 12.6 cannot link its own cublasGemmEx (the native symbol is mangled); this one calls the same.
            check(JCublas2.cublasGemmEx_new(handle, first, second, gemm.m(), gemm.n(), gemm.k(), alpha, b, type,
                    gemm.ldFirst(), a, type, gemm.ldSecond(), beta, c, type, gemm.ldResult(),
                    cublasComputeType.CUBLAS_COMPUTE_32F, cublasGemmAlgo.CUBLAS_GEMM_DEFAULT), "cublasGemmEx");
        }
    }

    private static int operation(boolean transpose) {
        return transpose ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
    }

    private static void check(int status, String function) {
        if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            throw new IllegalStateException(cublasStatus.stringFor(status) + " in " + function);
        }
    }

    @Override
    public boolean foreign() {
        return true;
    }

    @Override
    public void close() {
        try {
            check(JCublas2.cublasDestroy(handle), "cublasDestroy");
        } finally {
            workspace.close();
        }
    }
}
