package org.airelab.torch;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One reference to a tensor of libtorch's, owned by whoever holds this object: {@link #close()} gives it back,
 * {@link #release()} hands it on to native code, {@link #attach(NDManager)} turns it into one of DJL's arrays.
 * {@link #live()} counts the references that went none of these ways, so that a leak is seen.
 * Not safe for use from two threads at once.
 */
public final class Tensor implements AutoCloseable {
    private static final AtomicLong LIVE = new AtomicLong();
    private static final ThreadLocal<MemorySegment> OUT =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG));

    /** What libtorch 2.7 says is the type of a tensor without a value. */
    private static final int UNDEFINED_TYPE = 45;

    private long handle;

    private Tensor(long handle) {
        this.handle = handle;
        LIVE.incrementAndGet();
    }

    /** Takes over a handle that native code returned. */
    static Tensor own(long handle) {
        return new Tensor(handle);
    }

    /** A second reference to the tensor behind one of DJL's arrays: same memory, same autograd history. */
    public static Tensor of(NDArray array) {
        return own(newHandle(handle(array)));
    }

    /** Uninitialised contiguous memory on a device. */
    public static Tensor empty(ScalarType type, Device device, long... shape) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sizes = arena.allocateFrom(JAVA_LONG, shape);
            MemorySegment strides = arena.allocateFrom(JAVA_LONG, contiguousStrides(shape));
            MemorySegment out = OUT.get();
            Libtorch.call("allocating " + Arrays.toString(shape) + " " + type, () -> (int) Libtorch.EMPTY.invokeExact(
                    (long) shape.length, sizes, strides, type.code(), deviceType(device), deviceIndex(device), out));
            return own(out.get(JAVA_LONG, 0));
        }
    }

    /**
     * A contiguous tensor over memory of the caller's, which must outlive it and all its views.
     *
     * @throws IllegalArgumentException when the segment is smaller than the shape needs
     */
    public static Tensor over(MemorySegment memory, ScalarType type, long... shape) {
        return over(memory, Device.cpu(), type, shape);
    }

    /** The same over memory of a device. */
    public static Tensor over(MemorySegment memory, Device device, ScalarType type, long... shape) {
        long needed = elements(shape) * type.bytes();
        if (memory.byteSize() < needed) {
            throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " of " + type + " needs " + needed
                    + " bytes, the memory has " + memory.byteSize());
        }
        return strided(memory.address(), device, type, shape, contiguousStrides(shape));
    }

    /** A tensor over CPU memory at {@code address} with strides in elements; the caller vouches for the bounds. */
    static Tensor strided(long address, ScalarType type, long[] shape, long[] strides) {
        return strided(address, Device.cpu(), type, shape, strides);
    }

    private static Tensor strided(long address, Device device, ScalarType type, long[] shape, long[] strides) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sizes = arena.allocateFrom(JAVA_LONG, shape);
            MemorySegment steps = arena.allocateFrom(JAVA_LONG, strides);
            MemorySegment out = OUT.get();
            Libtorch.call("making a tensor over memory", () -> (int) Libtorch.FROM_BLOB.invokeExact(address,
                    (long) shape.length, sizes, steps, 0L, type.code(), deviceType(device), deviceIndex(device),
                    out));
            return own(out.get(JAVA_LONG, 0));
        }
    }

    /** A float64 number as a tensor without dimensions, which takes on the type of what it is combined with. */
    static Tensor scalar(double value) {
        MemorySegment out = OUT.get();
        Libtorch.call("making a scalar", () -> (int) Libtorch.SCALAR.invokeExact(value, out));
        return own(out.get(JAVA_LONG, 0));
    }

    /** A tensor without a value: as a gradient it means zero. */
    public static Tensor undefined() {
        MemorySegment out = OUT.get();
        Libtorch.call("making an undefined tensor", () -> (int) Libtorch.NEW_UNDEFINED.invokeExact(out));
        return own(out.get(JAVA_LONG, 0));
    }

    /** Whether there is a value: see {@link #undefined}. */
    boolean defined() {
        return queryInt(Libtorch.DTYPE, handle()) != UNDEFINED_TYPE;
    }

    /** References made and neither closed nor handed on, in the whole process. */
    public static long live() {
        return LIVE.get();
    }

    /** A second reference to the same tensor. */
    public Tensor share() {
        return own(newHandle(handle()));
    }

    /**
     * A contiguous window on the same storage, without autograd history.
     *
     * @param offset the first element, counted from this tensor's first
     */
    public Tensor view(long offset, long... shape) {
        return view(handle(), offset, shape, contiguousStrides(shape));
    }

    static Tensor view(long handle, long offset, long[] shape, long[] strides) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sizes = arena.allocateFrom(JAVA_LONG, shape);
            MemorySegment steps = arena.allocateFrom(JAVA_LONG, strides);
            MemorySegment out = OUT.get();
            Libtorch.call("viewing a tensor as " + Arrays.toString(shape),
                    () -> (int) Libtorch.REINTERPRET.invokeExact(handle, (long) shape.length, sizes, steps, offset,
                            out));
            return own(out.get(JAVA_LONG, 0));
        }
    }

    /** Makes the tensor one of DJL's arrays, owned by {@code manager} from now on. */
    public NDArray attach(NDManager manager) {
        return new PtNDArray((PtNDManager) manager, release());
    }

    /** Sizes of all dimensions. */
    public long[] shape() {
        long[] shape = new long[(int) query(Libtorch.DIMENSIONS, handle())];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = size(i);
        }
        return shape;
    }

    /** Size of dimension {@code i}, 0 for the first. */
    public long size(int i) {
        return query(Libtorch.SIZE, handle(), i);
    }

    /** Number of elements. */
    public long elements() {
        return elements(shape());
    }

    /** The device the memory is on. */
    public Device device() {
        return device(handle());
    }

    /** Element type. */
    public ScalarType type() {
        return type(handle());
    }

    /**
     * The memory itself, without a copy.
     *
     * @throws IllegalStateException when the tensor is not contiguous, or not in the CPU's memory
     */
    public MemorySegment memory() {
        return memory(handle());
    }

    /**
     * The memory itself wherever it lies, without a copy: for kernels of its device. If that is a GPU, nobody else may
     * touch it.
     *
     * @throws IllegalStateException when the tensor is not contiguous
     */
    public MemorySegment kernelMemory() {
        return kernelMemory(handle());
    }

    static MemorySegment memory(long handle) {
        int device = queryInt(Libtorch.DEVICE_TYPE, handle);
        if (device != 0) {
            throw new IllegalStateException("the tensor's memory is on a device of type " + device + ", not the CPU's");
        }
        return kernelMemory(handle);
    }

    static MemorySegment kernelMemory(long handle) {
        int gap = gap(handle);
        if (gap >= 0) {
            throw new IllegalStateException("the tensor is not contiguous: dimension " + gap + " has stride "
                    + query(Libtorch.STRIDE, handle, gap) + ", expected " + elementsAfter(handle, gap));
        }
        return MemorySegment.ofAddress(query(Libtorch.DATA, handle))
                .reinterpret(elementsAfter(handle, -1) * type(handle).bytes());
    }

    /** Whether the elements lie one after another, row-major. */
    static boolean contiguous(long handle) {
        return gap(handle) < 0;
    }

    /** The last dimension whose stride is not a contiguous tensor's, -1 when there is none. */
    private static int gap(long handle) {
        long expected = 1;
        for (int i = (int) query(Libtorch.DIMENSIONS, handle) - 1; i >= 0; i--) {
            long size = query(Libtorch.SIZE, handle, i);
            if (size != 1 && query(Libtorch.STRIDE, handle, i) != expected) {
                return i;
            }
            expected *= size;
        }
        return -1;
    }

    private static long elementsAfter(long handle, int dimension) {
        long elements = 1;
        for (int i = (int) query(Libtorch.DIMENSIONS, handle) - 1; i > dimension; i--) {
            elements *= query(Libtorch.SIZE, handle, i);
        }
        return elements;
    }

    static ScalarType type(long handle) {
        return ScalarType.of(queryInt(Libtorch.DTYPE, handle));
    }

    /** The device the tensor's memory is on. */
    static Device device(long handle) {
        return queryInt(Libtorch.DEVICE_TYPE, handle) == 0 ? Device.cpu()
                : Device.gpu(queryInt(Libtorch.DEVICE_INDEX, handle));
    }

    /** Gives up ownership: the handle now belongs to the native code it is passed to. */
    long release() {
        long released = handle();
        handle = 0;
        LIVE.decrementAndGet();
        return released;
    }

    /** Gives the reference back. Closing twice is harmless. */
    @Override
    public void close() {
        if (handle != 0) {
            delete(release());
        }
    }

    long handle() {
        if (handle == 0) {
            throw new IllegalStateException("the tensor was closed or handed on");
        }
        return handle;
    }

    static long handle(NDArray array) {
        return ((PtNDArray) array).getHandle();
    }

    static long newHandle(long handle) {
        MemorySegment out = OUT.get();
        Libtorch.call("sharing a tensor", () -> (int) Libtorch.NEW_HANDLE.invokeExact(handle, out));
        return out.get(JAVA_LONG, 0);
    }

    static void delete(long handle) {
        Libtorch.call("deleting a tensor", () -> (int) Libtorch.DELETE.invokeExact(handle));
    }

    private static long query(MethodHandle function, long handle) {
        MemorySegment out = OUT.get();
        Libtorch.call("asking a tensor", () -> (int) function.invoke(handle, out));
        return out.get(JAVA_LONG, 0);
    }

    private static long query(MethodHandle function, long handle, long dimension) {
        MemorySegment out = OUT.get();
        Libtorch.call("asking a tensor", () -> (int) function.invoke(handle, dimension, out));
        return out.get(JAVA_LONG, 0);
    }

    private static int queryInt(MethodHandle function, long handle) {
        MemorySegment out = OUT.get();
        Libtorch.call("asking a tensor", () -> (int) function.invoke(handle, out));
        return out.get(JAVA_INT, 0);
    }

    private static int deviceType(Device device) {
        return device.isGpu() ? 1 : 0;
    }

    private static int deviceIndex(Device device) {
        return device.isGpu() ? device.getDeviceId() : -1;
    }

    static long[] contiguousStrides(long... shape) {
        long[] strides = new long[shape.length];
        long stride = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= shape[i];
        }
        return strides;
    }

    static long elements(long... shape) {
        long count = 1;
        for (long size : shape) {
            count = Math.multiplyExact(count, size);
        }
        return count;
    }
}
