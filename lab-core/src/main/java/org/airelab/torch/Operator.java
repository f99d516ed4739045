package org.airelab.torch;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayDeque;

/**
 * Any ATen operator, called through PyTorch's dispatcher and so recorded by autograd. Arguments follow the
 * operator's schema, keyword arguments included, in its order:
 * {@snippet :
 * NDArray y = Operator.of("aten::linear", "").on(scope).tensor(x).tensor(weight).optional(bias).result();
 * }
 * Lists and {@code Scalar}s cannot be passed in libtorch 2.7. The C interface does not tell how many arguments a schema
 * has, so the count is not checked: give all of them, defaults too. Those left out at the end arrive as zeros, which is
 * an absent optional, the number 0 or false, and for a tensor a null pointer.
 */
public final class Operator {
    private static final int STACK_WORDS = 32;
    private static final ThreadLocal<ArrayDeque<MemorySegment>> STACKS = ThreadLocal.withInitial(ArrayDeque::new);
    private static final MethodHandle MALLOC = Linker.nativeLinker().downcallHandle(
            Linker.nativeLinker().defaultLookup().find("malloc").orElseThrow(),
            FunctionDescriptor.of(ValueLayout.ADDRESS, JAVA_LONG));

    static {
        ErrorLog.silence();
    }

    private final String fullName;
    private final MemorySegment name;
    private final MemorySegment overload;

    private Operator(String name, String overload) {
        this.fullName = overload.isEmpty() ? name : name + "." + overload;
        this.name = Libtorch.string(name);
        this.overload = Libtorch.string(overload);
    }

    /**
     * An operator by its schema's name; keep it in a constant, its strings live as long as the process.
     *
     * @param name     with namespace: {@code aten::embedding}
     * @param overload empty for the default one
     */
    public static Operator of(String name, String overload) {
        return new Operator(name, overload);
    }

    /** Starts a call whose results {@code manager} will own. */
    public Call on(NDManager manager) {
        return new Call(manager);
    }

    /** Starts a call whose results are taken as {@link Tensor}s. */
    public Call call() {
        return new Call(null);
    }

    /** The arguments of one call. Ends with {@link #result()}, {@link #results(int)} or {@link #tensors(int)}. */
    public final class Call {
        private final NDManager manager;
        private final long[] words = new long[STACK_WORDS];
        private int tensors;
        private int optionals;
        private int count;

        private Call(NDManager manager) {
            this.manager = manager;
        }

        /** A {@code Tensor}, one of DJL's. */
        public Call tensor(NDArray array) {
            return handle(Tensor.handle(array));
        }

        /** A {@code Tensor?}; null when it is absent. */
        public Call optional(NDArray array) {
            if (array == null) {
                return none();
            }
            optionals |= 1 << count;
            return tensor(array);
        }

        /** A {@code Tensor?} that is present, one of the bridge's. */
        public Call optional(Tensor tensor) {
            optionals |= 1 << count;
            return tensor(tensor);
        }

        /** A {@code Tensor}, one of the bridge's; the caller keeps its reference. */
        public Call tensor(Tensor tensor) {
            return handle(tensor.handle());
        }

        private Call handle(long handle) {
            tensors |= 1 << count;
            return word(handle);
        }

        /** An {@code int}, or an enumeration such as a dtype. */
        public Call integer(long value) {
            return word(value);
        }

        /** A {@code bool}. */
        public Call bool(boolean value) {
            return word(value ? 1 : 0);
        }

        /** A {@code float}, which is a C++ double. */
        public Call real(double value) {
            return word(Double.doubleToRawLongBits(value));
        }

        /** An absent optional. */
        public Call none() {
            return word(0);
        }

        private Call word(long word) {
            words[count++] = word;
            return this;
        }

        /** Runs the operator; its only result. */
        public NDArray result() {
            return results(1)[0];
        }

        /** Runs the operator; its {@code n} results. */
        public NDArray[] results(int n) {
            long[] handles = run(n);
            NDArray[] results = new NDArray[n];
            for (int i = 0; i < n; i++) {
                results[i] = new PtNDArray((PtNDManager) manager, handles[i]);
            }
            return results;
        }

        /** Runs the operator; its {@code n} results as tensors that the caller owns. */
        public Tensor[] tensors(int n) {
            long[] handles = run(n);
            Tensor[] results = new Tensor[n];
            for (int i = 0; i < n; i++) {
                results[i] = Tensor.own(handles[i]);
            }
            return results;
        }

        private long[] run(int results) {
            ArrayDeque<MemorySegment> stacks = STACKS.get();
            // Kernels written in Java call operators while another call of this thread is under way.
            MemorySegment stack = stacks.isEmpty() ? Arena.ofAuto().allocate(JAVA_LONG, STACK_WORDS) : stacks.pop();
            try {
                Libtorch.call(fullName, () -> {
                    fill(stack);
                    return (int) Libtorch.CALL.invokeExact(name, overload, stack);
                });
                long[] handles = new long[results];
                MemorySegment.copy(stack, JAVA_LONG, 0, handles, 0, results);
                rethrowFromKernels(handles);
                return handles;
            } finally {
                stacks.push(stack);
            }
        }

        /** The dispatcher consumes what it is given, so each try gets handles and optionals of its own. */
        private void fill(MemorySegment stack) throws Throwable {
            for (int i = 0; i < count; i++) {
                long word = words[i];
                if ((tensors >> i & 1) == 1) {
                    word = Tensor.newHandle(word);
                }
                if ((optionals >> i & 1) == 1) {
                    MemorySegment box = ((MemorySegment) MALLOC.invokeExact((long) Long.BYTES)).reinterpret(Long.BYTES);
                    box.set(JAVA_LONG, 0, word);
                    word = box.address();
                }
                stack.setAtIndex(JAVA_LONG, i, word);
            }
            // The stack is used again and again: what an earlier call left must not be taken for an argument.
            stack.asSlice((long) count * Long.BYTES).fill((byte) 0);
        }

        private void rethrowFromKernels(long[] handles) {
            try {
                JavaKernels.rethrow();
            } catch (RuntimeException e) {
                for (long handle : handles) {
                    Tensor.delete(handle);
                }
                throw e;
            }
        }
    }
}
