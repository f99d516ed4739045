package org.airelab.kernels.activation;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cuda.ElementSharing;

/**
 * SwiGLU on packed rows: y = silu(gate) * up with silu(g) = g / (1 + e^-g).
 *
 * <p>Shazeer, "GLU Variants Improve Transformer", 2020, equation 6, after the two products. Segments are row-major,
 * float32 or of the rung's element type; a row of {@code gateUp} holds the gate first, then up. Sizes that do not fit
 * are an {@link IllegalArgumentException}. {@code dGateUp} may be {@code gateUp}.
 */
public interface SwiGlu extends Rung {
    Family<SwiGlu> FAMILY = new Family<>("swiglu", new ReferenceSwiGlu(),
            List.of(new ScalarSwiGlu(), new VectorSwiGlu(Cores.ONE), new VectorSwiGlu(Cores.ALL)),
            ElementSharing.ladder(EnumSet.allOf(DType.class), CudaSwiGlu::new));

    /**
     * @param gateUp [rows, 2 * hidden]
     * @param y      [rows, hidden], written
     */
    void forward(MemorySegment gateUp, MemorySegment y, int rows, int hidden);

    /**
     * @param dy      [rows, hidden], gradient with respect to y
     * @param gateUp  [rows, 2 * hidden], as given to the forward pass
     * @param dGateUp [rows, 2 * hidden], overwritten
     */
    void backward(MemorySegment dy, MemorySegment gateUp, MemorySegment dGateUp, int rows, int hidden);

    /** Checks the arguments of {@link #forward}. */
    static void check(MemorySegment gateUp, MemorySegment y, int rows, int hidden, DType dtype) {
        Buffers.atLeast("rows", 0, rows);
        Buffers.atLeast("hidden", 1, hidden);
        Buffers.elements("gateUp", gateUp, 2L * rows * hidden, dtype);
        Buffers.elements("y", y, (long) rows * hidden, dtype);
    }

    /** Checks the arguments of {@link #backward}. */
    static void check(MemorySegment dy, MemorySegment gateUp, MemorySegment dGateUp, int rows, int hidden,
            DType dtype) {
        check(gateUp, dy, rows, hidden, dtype);
        Buffers.elements("dGateUp", dGateUp, 2L * rows * hidden, dtype);
    }
}
