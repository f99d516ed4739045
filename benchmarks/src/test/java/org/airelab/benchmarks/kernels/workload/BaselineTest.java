package org.airelab.benchmarks.kernels.workload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.airelab.benchmarks.kernels.gpu.DeviceMemory;
import org.airelab.kernels.DType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Test;

/** What libtorch is called for on a GPU, called for on the CPU. */
class BaselineTest {
    /** In float16 and bfloat16 a call that libtorch or DJL cannot make may end the whole JVM. */
    @Test
    void allOfAGpuRunInTheirTypes() {
        List<String> called = new ArrayList<>();
        // Attention's operators exist on GPUs alone.
        Workloads.all().filter(workload -> workload.quick() && workload.cudaBaseline() != null
                && !workload.family().equals("attention")).forEach(workload -> {
                    for (DType dtype : workload.cudaBaseline().dtypes()) {
                        call(workload, dtype);
                        called.add(workload.id() + dtype);
                    }
                });
        assertTrue(called.size() >= 30, called.toString());
    }

    @Test
    void severalOperatorsResultsArePackedAsOnesAre() {
        UnaryOperator<List<float[]>> reversed = List::reversed;
        Baseline baseline = new Baseline("two", (scope, t) -> () -> t, Set.of(DType.FP16), reversed).composed();
        assertEquals(reversed, baseline.packing());
        assertEquals(Set.of(DType.FP16), baseline.dtypes());
    }

    private static void call(Workload<?> workload, DType dtype) {
        try (Arena arena = Arena.ofConfined(); NDManager scope = Baseline.scope()) {
            Tensor[] tensors = new Tensor[workload.operands().size()];
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < tensors.length; i++) {
                Operand operand = workload.operands().get(i);
                MemorySegment memory = arena.allocate(operand.bytes(), Long.BYTES);
                operand.fill(memory, random);
                MemorySegment typed = operand.type(dtype) == operand.type() ? memory
                        : DeviceMemory.encode(arena, memory, dtype);
                tensors[i] = Tensor.over(typed, operand.type(dtype), operand.dimensions());
            }
            Tensor[] results = workload.cudaBaseline().binding().apply(scope, tensors).get();
            for (Tensor result : results) {
                assertEquals(tensors[0].device(), result.device());
                result.close();
            }
            for (Tensor tensor : tensors) {
                tensor.close();
            }
        }
    }
}
