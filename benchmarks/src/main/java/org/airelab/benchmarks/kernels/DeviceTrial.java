package org.airelab.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.airelab.benchmarks.kernels.gpu.DeviceMemory;
import org.airelab.benchmarks.kernels.gpu.Measured;
import org.airelab.benchmarks.kernels.gpu.TorchWork;
import org.airelab.benchmarks.kernels.gpu.Work;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.torch.Tensor;

/**
 * One call of kernels on a GPU against the float64 reference, in an element type: see {@link RoundedProblem}. Outputs
 * are poisoned before each call.
 */
final class DeviceTrial<R extends Rung> implements AutoCloseable {
    private final Workload<R> workload;
    private final DType dtype;
    private final RoundedProblem<R> problem;

    /** Makes the inputs, and the reference's results. */
    DeviceTrial(Workload<R> workload, DType dtype) {
        this.workload = workload;
        this.dtype = dtype;
        problem = new RoundedProblem<>(workload, dtype);
    }

    /** A kernel's results, a rung's or a library's, beside the reference's. */
    Accuracy.Comparison compare(CudaStream stream, Launcher launcher, String kernel) {
        // What fails to close after a fault does not hide the fault.
        try (DeviceMemory memory = DeviceMemory.of(stream, workload, dtype, problem.operands());
                Work work = Measured.work(workload, kernel, dtype, memory, stream, launcher)) {
            List<float[]> results = work instanceof TorchWork torch ? results(torch, stream)
                    : results(work, memory, stream);
            return Accuracy.compare(workload, dtype, problem.reference(), results);
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
                DType type = Accuracy.type(result);
                results.add(download(result.kernelMemory(), stream, host -> Accuracy.numbers(host, type)));
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

    @Override
    public void close() {
        problem.close();
    }
}
