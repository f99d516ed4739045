package org.airelab.distributed.tensorparallel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.nn.TensorDivision;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * Layers divided among the ranks of a group, in float32, bfloat16 or float16. Close it when no model is computed by it
 * any more.
 */
public final class TensorParallel implements TensorDivision, AutoCloseable {
    private final ProcessGroup group;
    private final boolean dividesTime;
    private final CustomFunction enter;
    private final CustomFunction leave;
    private final CustomFunction columns;
    private final CustomFunction rows;

    /**
     * @param group       the ranks, which stays the caller's; its collectives work on the model's device
     * @param dividesTime whether each has its own tokens between divided products: sequence parallelism
     */
    public TensorParallel(ProcessGroup group, boolean dividesTime) {
        this.group = group;
        this.dividesTime = dividesTime;
        Border border = dividesTime ? new DividedStream(group) : new SameStream(group);
        this.enter = BorderFunction.enter(border);
        this.leave = BorderFunction.leave(border);
        this.columns = new ColumnsFunction(border);
        this.rows = new RowsFunction(border);
    }

    /**
     * Refuses sequences whose tokens ranks cannot divide evenly, as sequence parallelism does.
     *
     * @param time tokens that the ranks have of a sequence, all of them together
     * @throws UserError (bad input)
     */
    public static void requireDivisible(int ranks, long time) {
        if (time % ranks != 0) {
            throw UserError.badInput("sequence parallelism of " + ranks + " ranks needs a multiple of " + ranks
                    + " tokens in a sequence, or in the part of it that they have, found " + time + ".",
                    "Choose another model.context_length, or train without sequence parallelism.");
        }
    }

    @Override
    public int rank() {
        return group.rank();
    }

    @Override
    public int ranks() {
        return group.size();
    }

    @Override
    public boolean dividesTime() {
        return dividesTime;
    }

    @Override
    public NDArray enter(NDArray x) {
        return enter.apply(x.getManager(), x, x);
    }

    @Override
    public NDArray leave(NDArray x) {
        return leave.apply(x.getManager(), x, x);
    }

    @Override
    public NDArray columns(NDArray x, NDArray weight) {
        return columns.apply(x.getManager(), x, weight);
    }

    @Override
    public NDArray rows(NDArray x, NDArray weight) {
        return rows.apply(x.getManager(), x, weight);
    }

    @Override
    public NDArray all(NDArray mine) {
        ScalarType type = NativeArrays.type(mine);
        NDArray all = Tensor.empty(type, NativeArrays.device(mine),
                new Shape(ranks()).addAll(mine.getShape()).getShape()).attach(mine.getManager());
        group.allGather(NativeArrays.kernelMemory(mine), NativeArrays.kernelMemory(all), type).await();
        return all;
    }

    @Override
    public void close() {
        List.of(enter, leave, columns, rows).forEach(CustomFunction::close);
    }
}
