package org.airelab.kernels.activation;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.ElementSharing;

/**
 * A function applied to each element, and its derivative. All segments are of {@code count} elements, float32 or of the
 * rung's element type; other sizes are an {@link IllegalArgumentException}. {@code y} may be {@code x}, and {@code dx}
 * may be {@code dy}.
 */
public interface Activation extends Rung {
    /** x * Phi(x) with the normal distribution function; Hendrycks and Gimpel, 2016. */
    Family<Activation> GELU = new Family<>("gelu", new ReferenceActivation(Curves::gelu, Curves::geluSlope),
            List.of(new ScalarActivation(ScalarCurves::gelu, ScalarCurves::geluSlope),
                    new VectorGelu(Cores.ONE), new VectorGelu(Cores.ALL)),
            cuda("gelu"));

    /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the approximation GPT-2 was trained with. */
    Family<Activation> GELU_TANH = new Family<>("gelu-tanh",
            new ReferenceActivation(Curves::geluTanh, Curves::geluTanhSlope),
            List.of(new ScalarActivation(ScalarCurves::geluTanh, ScalarCurves::geluTanhSlope),
                    new VectorGeluTanh(Cores.ONE), new VectorGeluTanh(Cores.ALL)),
            cuda("gelu_tanh"));

    /** max(x, 0), with slope 0 at 0; NaN stays NaN. */
    Family<Activation> RELU = new Family<>("relu", new ReferenceActivation(Curves::relu, Curves::reluSlope),
            List.of(new ScalarActivation(ScalarCurves::relu, ScalarCurves::reluSlope),
                    new VectorRelu(Cores.ONE), new VectorRelu(Cores.ALL)),
            cuda("relu"));

    /** Writes f(x) into {@code y}. */
    void forward(MemorySegment x, MemorySegment y, long count);

    /** Writes {@code dy * f'(x)} into {@code dx}. */
    void backward(MemorySegment dy, MemorySegment x, MemorySegment dx, long count);

    private static List<CudaRung<Activation>> cuda(String curve) {
        return ElementSharing.ladder(EnumSet.allOf(DType.class),
                (sharing, launcher, dtype) -> new CudaActivation(curve, sharing, launcher, dtype));
    }

    /** Checks the arguments of {@link #forward}. */
    static void check(MemorySegment x, MemorySegment y, long count, DType dtype) {
        Buffers.atLeast("count", 0, count);
        Buffers.elements("x", x, count, dtype);
        Buffers.elements("y", y, count, dtype);
    }

    /** Checks the arguments of {@link #backward}. */
    static void check(MemorySegment dy, MemorySegment x, MemorySegment dx, long count, DType dtype) {
        Buffers.atLeast("count", 0, count);
        Buffers.elements("dy", dy, count, dtype);
        Buffers.elements("x", x, count, dtype);
        Buffers.elements("dx", dx, count, dtype);
    }
}
