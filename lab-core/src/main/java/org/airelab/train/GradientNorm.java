package org.airelab.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.airelab.kernels.Family;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.airelab.train.Shards.Piece;

/** The Euclidean norm of gradients: of all together, for clipping, and of one parameter, for diagnosis. */
final class GradientNorm {
    private static final Family<org.airelab.kernels.optimizer.GradientNorm> FAMILY =
            org.airelab.kernels.optimizer.GradientNorm.FAMILY;

    private final FlatParameters parameters;
    private final DeviceKernels kernels;

    /**
     * {@code kernels} null stands for libtorch's; on a CPU that adds up many numbers in float32, so that it is asked
     * for float64 alone.
     */
    GradientNorm(FlatParameters parameters, DeviceKernels kernels) {
        this.parameters = parameters;
        Device device = NativeArrays.device(parameters.gradients());
        this.kernels = kernels != null || device.isGpu() ? kernels : DeviceKernels.on(device);
    }

    /** Norm of the gradients of some pieces together; NaN or infinite when one of them is. */
    double of(List<Piece> pieces) {
        NDArray gradients = parameters.gradients();
        try (NDManager scope = gradients.getManager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            // On the device, and read once: each reading waits for it.
            NDArray squares = Tensor.empty(ScalarType.FLOAT64, NativeArrays.device(gradients), pieces.size())
                    .attach(scope);
            for (int i = 0; i < pieces.size(); i++) {
                NDArray window = NativeArrays.view(gradients, pieces.get(i).from(), pieces.get(i).size())
                        .attach(scope);
                squares(scope, window, NativeArrays.view(squares, i, 1).attach(scope));
            }
            return Math.sqrt(Aten.sum(scope, squares).getDouble());
        }
    }

    /** Norm of one parameter's gradient. */
    double of(FlatParameters.Slot slot) {
        return of(List.of(new Piece(slot.offset(), slot.offset() + slot.spec().elements())));
    }

    /** The sum of the squares of some values, into one of float64. */
    private void squares(NDManager scope, NDArray values, NDArray sum) {
        if (kernels != null && kernels.computesIn(NativeArrays.type(values))) {
            kernels.of(FAMILY, NativeArrays.type(values)).sumOfSquares(NativeArrays.kernelMemory(values),
                    values.size(), NativeArrays.kernelMemory(sum));
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
