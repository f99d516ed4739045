package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/** The Euclidean norm of gradients: of all together, for clipping, and of one parameter, for diagnosis. */
final class GradientNorm {
    private static final org.airelab.kernels.optimizer.GradientNorm KERNEL =
            org.airelab.kernels.optimizer.GradientNorm.FAMILY.fastest();

    private GradientNorm() {
    }

    /** Norm of all gradients; NaN or infinite when one of them is. */
    static double global(FlatParameters parameters) {
        return norm(parameters.gradients(), 0, parameters.size());
    }

    /** Norm of one parameter's gradient. */
    static double of(FlatParameters parameters, FlatParameters.Slot slot) {
        return norm(parameters.gradients(), slot.offset(), slot.spec().elements());
    }

    private static double norm(NDArray gradients, long offset, long length) {
        try (NDManager scope = gradients.getManager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            NDArray window = NativeArrays.view(gradients, offset, length).attach(scope);
            if (!NativeArrays.device(gradients).isGpu() && NativeArrays.type(gradients) == ScalarType.FLOAT32) {
                return Math.sqrt(sumOfSquares(NativeArrays.memory(window), length));
            }
            return Aten.to(scope, window.norm(), ScalarType.FLOAT64).getDouble();
        }
    }

    private static double sumOfSquares(MemorySegment values, long count) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sum = arena.allocate(ValueLayout.JAVA_DOUBLE);
            KERNEL.sumOfSquares(values, count, sum);
            return sum.get(ValueLayout.JAVA_DOUBLE, 0);
        }
    }

    /** Factor that brings a norm down to the limit (Pascanu et al. 2013, algorithm 1); 1 without a limit. */
    static double clip(double norm, double limit) {
        return limit > 0 && norm > limit ? limit / norm : 1;
    }
}
