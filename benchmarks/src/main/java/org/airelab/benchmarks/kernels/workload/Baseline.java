package org.airelab.benchmarks.kernels.workload;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.airelab.benchmarks.report.Row;
import org.airelab.kernels.DType;
import org.airelab.torch.Tensor;

/**
 * How libtorch does what a workload does, on the same memory.
 *
 * @param name    the operators, for reports; see {@link #composed}
 * @param binding makes the call for operands once they have memory, and attaches what the call needs beside them to a
 *                manager (see {@link #scope}), with which it ends; the call's results are new references, which the
 *                caller closes, in the order of the workload's written operands (fewer where libtorch gives fewer)
 * @param dtypes  element types it exists in
 * @param packing brings the numbers of the results into the form of the workload's, which no call is timed for
 */
public record Baseline(String name, BiFunction<NDManager, Tensor[], Supplier<Tensor[]>> binding, Set<DType> dtypes,
        UnaryOperator<List<float[]>> packing) {
    /** A baseline whose results have the workload's form. */
    Baseline(String name, BiFunction<NDManager, Tensor[], Supplier<Tensor[]>> binding, Set<DType> dtypes) {
        this(name, binding, dtypes, UnaryOperator.identity());
    }

    /** A baseline in every element type. */
    Baseline(String name, BiFunction<NDManager, Tensor[], Supplier<Tensor[]>> binding) {
        this(name, binding, EnumSet.allOf(DType.class), UnaryOperator.identity());
    }

    /** A call of the bridge's operators. */
    static Baseline of(String name, UnaryOperator<Tensor[]> call) {
        return new Baseline(name, (scope, operands) -> () -> call.apply(operands));
    }

    /** The same, said to be several operators, because libtorch has none that does it all. */
    Baseline composed() {
        return new Baseline(name + Row.COMPOSED, binding, dtypes, packing);
    }

    /**
     * A manager to bind to, which the caller closes. It is one of the CPU's for arrays of every device: a number that
     * is added to an array of a GPU is then one of the CPU, as libtorch takes it, where DJL would otherwise copy each
     * to the GPU and wait, which no graph can capture.
     */
    public static NDManager scope() {
        return NDManager.newBaseManager(Device.cpu());
    }

    /** A call of DJL's arrays: results of theirs belong to a manager that ends with the call. */
    static Baseline ofArrays(String name, UnaryOperator<NDArray[]> call) {
        return new Baseline(name, (scope, operands) -> () -> {
            try (NDManager manager = scope.newSubManager()) {
                NDArray[] arrays = new NDArray[operands.length];
                for (int i = 0; i < arrays.length; i++) {
                    arrays[i] = operands[i].share().attach(manager);
                }
                NDArray[] results = call.apply(arrays);
                Tensor[] kept = new Tensor[results.length];
                for (int i = 0; i < kept.length; i++) {
                    kept[i] = Tensor.of(results[i]);
                }
                return kept;
            }
        });
    }
}
