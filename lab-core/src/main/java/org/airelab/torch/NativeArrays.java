package org.airelab.torch;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** DJL's arrays seen from below: their memory, element type and device. */
public final class NativeArrays {
    private NativeArrays() {
    }

    /**
     * The memory of a contiguous array on the CPU, without a copy; valid while the array lives.
     *
     * @throws IllegalStateException when the array is not contiguous, or not in the CPU's memory
     */
    public static MemorySegment memory(NDArray array) {
        return Tensor.memory(Tensor.handle(array));
    }

    /**
     * The memory of a contiguous array wherever it lies, for kernels of its device: see {@link Tensor#kernelMemory}.
     *
     * @throws IllegalStateException when the array is not contiguous
     */
    public static MemorySegment kernelMemory(NDArray array) {
        return Tensor.kernelMemory(Tensor.handle(array));
    }

    /** Element type, also of arrays whose type DJL cannot name. */
    public static ScalarType type(NDArray array) {
        return Tensor.type(Tensor.handle(array));
    }

    /** The device the array is on. */
    public static Device device(NDArray array) {
        return Tensor.device(Tensor.handle(array));
    }

    /** A contiguous window on an array's storage without its autograd history; offset in elements. */
    public static Tensor view(NDArray array, long offset, long... shape) {
        return Tensor.view(Tensor.handle(array), offset, shape, Tensor.contiguousStrides(shape));
    }

    /**
     * A CPU array over memory that the caller keeps alive: {@code manager} owns the array, not the memory.
     */
    public static NDArray over(NDManager manager, MemorySegment memory, ScalarType type, long... shape) {
        return Tensor.over(memory, type, shape).attach(manager);
    }

    /** The array itself when it has the type already; else converted, under autograd, for {@code manager}. */
    public static NDArray convert(NDManager manager, NDArray array, ScalarType type) {
        return type(array) == type ? array : Aten.to(manager, array, type);
    }

    /** Copies values, converting type and crossing devices as needed; the shape is the target's or broadcast to it. */
    public static void copy(NDArray from, NDArray to) {
        long source = Tensor.handle(from);
        long target = Tensor.handle(to);
        Libtorch.call("copying an array", () -> (int) Libtorch.COPY.invokeExact(target, source, 0));
    }

    /** The values as float32 in Java memory, whatever their type and device. */
    public static float[] floats(NDArray array) {
        try (NDManager scope = array.getManager().newSubManager(); Autograd.Mode mode = Autograd.notRecording()) {
            NDArray cpu = Tensor.empty(ScalarType.FLOAT32, Device.cpu(), array.getShape().getShape()).attach(scope);
            copy(array, cpu);
            return memory(cpu).toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
