package org.airelab.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.function.Predicate;
import org.airelab.kernels.Family;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ParameterSpec;
import org.airelab.nn.Shards.Owned;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** The Euclidean norm of gradients: of all together, for clipping, and of one parameter, for diagnosis. */
final class GradientNorm {
    private static final Family<org.airelab.kernels.optimizer.GradientNorm> FAMILY =
            org.airelab.kernels.optimizer.GradientNorm.FAMILY;

    private final FlatParameters parameters;
    private final DeviceKernels kernels;
    private final Predicate<ParameterSpec> counts;

    /**
     * {@code kernels} null stands for libtorch's; on a CPU that adds up many numbers in float32, so that it is asked
     * for float64 alone.
     *
     * @param counts which parameters this rank counts for the norm of all
     */
    GradientNorm(FlatParameters parameters, DeviceKernels kernels, Predicate<ParameterSpec> counts) {
        this.parameters = parameters;
        this.counts = counts;
        Device device = NativeArrays.device(parameters.gradients());
        this.kernels = kernels != null || device.isGpu() ? kernels : DeviceKernels.on(device);
    }

    /** Norm of the gradients that this rank is to update with, and counts; NaN or infinite when one of them is. */
    double owned() {
        List<FlatParameters.Slot> slots = parameters.slots();
        boolean all = slots.stream().allMatch(slot -> counts.test(slot.spec()));
        return of(all ? parameters.owned() : slots.stream().filter(slot -> counts.test(slot.spec()))
                .flatMap(slot -> owned(slot).stream()).toList());
    }

    private List<Owned> owned(FlatParameters.Slot slot) {
        return parameters.owned(slot.offset(), slot.offset() + slot.spec().elements());
    }

    /** Norm of what of one parameter's gradient is this rank's to update with. */
    double of(FlatParameters.Slot slot) {
        return of(owned(slot));
    }

    /** The squares are summed where the gradients are, so that the host waits for one number. */
    private double of(List<Owned> ranges) {
        try (NDManager scope = parameters.gradients().getManager().newSubManager();
                Autograd.Mode off = Autograd.notRecording()) {
            NDArray squares = Tensor.empty(ScalarType.FLOAT64, NativeArrays.device(parameters.gradients()),
                    ranges.size()).attach(scope);
            for (int i = 0; i < ranges.size(); i++) {
                NDArray values = parameters.gradients(scope, ranges.get(i));
                sumOfSquares(scope, values, NativeArrays.view(squares, i, 1).attach(scope));
            }
            return Math.sqrt(Aten.sum(scope, squares).getDouble());
        }
    }

    private void sumOfSquares(NDManager scope, NDArray values, NDArray sum) {
        if (kernels != null && kernels.computesIn(NativeArrays.type(values))) {
            kernels.of(FAMILY, NativeArrays.type(values)).sumOfSquares(NativeArrays.kernelMemory(values), values.size(),
                    NativeArrays.kernelMemory(sum));
        } else {
            NDArray norm = Aten.to(scope, values.norm(), ScalarType.FLOAT64);
            NativeArrays.copy(norm.mul(norm).reshape(1), sum);
        }
    }

    /** Factor that brings a norm down to the limit (Pascanu et al. 2013, algorithm 1); 1 without a limit. */
    static double clip(double norm, double limit) {
        return limit > 0 && norm > limit ? limit / norm : 1;
    }
}
