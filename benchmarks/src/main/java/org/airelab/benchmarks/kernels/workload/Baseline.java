package org.airelab.benchmarks.kernels.workload;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.airelab.torch.Tensor;

/**
 * How libtorch does what a workload does, on the same memory.
 *
 * @param name    the operators, for reports
 * @param binding makes the call for operands once they have memory; the call's results are new references, which the
 *                caller closes, in the order of the workload's written operands (fewer where libtorch gives fewer)
 */
public record Baseline(String name, Function<Tensor[], Supplier<Tensor[]>> binding) {
    /** A call of the bridge's operators. */
    static Baseline of(String name, UnaryOperator<Tensor[]> call) {
        return new Baseline(name, operands -> () -> call.apply(operands));
    }

    /** A call of DJL's arrays: results of theirs belong to the arrays' own manager, which ends with the call. */
    static Baseline ofArrays(String name, UnaryOperator<NDArray[]> call) {
        return new Baseline(name, operands -> {
            NDManager manager = NDManager.newBaseManager(Device.cpu());
            return () -> {
                try (NDManager scope = manager.newSubManager()) {
                    NDArray[] arrays = new NDArray[operands.length];
                    for (int i = 0; i < arrays.length; i++) {
                        arrays[i] = operands[i].share().attach(scope);
                    }
                    NDArray[] results = call.apply(arrays);
                    Tensor[] kept = new Tensor[results.length];
                    for (int i = 0; i < kept.length; i++) {
                        kept[i] = Tensor.of(results[i]);
                    }
                    return kept;
                }
            };
        });
    }
}
