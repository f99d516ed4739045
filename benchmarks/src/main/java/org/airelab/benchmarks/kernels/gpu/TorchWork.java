package org.airelab.benchmarks.kernels.gpu;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import org.airelab.benchmarks.kernels.workload.Baseline;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.torch.Autograd;
import org.airelab.torch.Tensor;
import org.airelab.torch.TorchStream;

/** Calls of libtorch on our stream. The results of the last round of copies are kept: see the package's page. */
public final class TorchWork implements Work {
    private final CudaStream stream;
    /** What the calls are bound to. */
    private final NDManager scope = Baseline.scope();
    private final List<Tensor> operands = new ArrayList<>();
    private final List<Supplier<Tensor[]>> calls = new ArrayList<>();
    private final Deque<Tensor[]> results = new ArrayDeque<>();

    /** Calls on the memory given, which has to outlive them. */
    public TorchWork(Workload<?> workload, DType dtype, DeviceMemory memory, CudaStream stream) {
        this.stream = stream;
        try (TorchStream current = enter(); Autograd.Mode mode = Autograd.notRecording()) {
            for (int copy = 0; copy < memory.count(); copy++) {
                calls.add(workload.cudaBaseline().binding().apply(scope,
                        tensors(workload, dtype, memory.copy(copy))));
            }
        }
    }

    private Tensor[] tensors(Workload<?> workload, DType dtype, List<MemorySegment> memory) {
        Device device = Device.gpu(stream.device().ordinal());
        Tensor[] tensors = new Tensor[memory.size()];
        for (int i = 0; i < tensors.length; i++) {
            Operand operand = workload.operands().get(i);
            tensors[i] = Tensor.over(memory.get(i), device, operand.type(dtype), operand.dimensions());
            operands.add(tensors[i]);
        }
        return tensors;
    }

    /** For this thread: which one JMH calls from is its own affair. */
    private TorchStream enter() {
        return TorchStream.enter(stream.number(), stream.device().ordinal());
    }

    @Override
    public int copies() {
        return calls.size();
    }

    @Override
    public void call(int copy) {
        results.add(compute(copy));
        if (results.size() > copies()) {
            close(results.remove());
        }
    }

    /** Enqueues a call; its results, which the caller closes. */
    public Tensor[] compute(int copy) {
        try (TorchStream current = enter(); Autograd.Mode mode = Autograd.notRecording()) {
            return calls.get(copy).get();
        }
    }

    @Override
    public boolean foreign() {
        return true;
    }

    @Override
    public void close() {
        results.forEach(TorchWork::close);
        results.clear();
        scope.close();
        operands.forEach(Tensor::close);
    }

    private static void close(Tensor[] tensors) {
        for (Tensor tensor : tensors) {
            tensor.close();
        }
    }
}
