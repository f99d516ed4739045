package org.airelab.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.djl.engine.EngineException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.airelab.base.UserError;

/**
 * Java methods as the kernels of ATen operators: PyTorch's own derivative formula then calls Java's backward kernel
 * too. Only operators without lists in their signature, and whose derivative PyTorch knows, can be taken over.
 */
public final class JavaKernels {
    /** What kernels threw, by the thread whose call into libtorch ran them. */
    private static final Map<Thread, Throwable> FAILURES = new ConcurrentHashMap<>();
    /** What a kernel threw on a thread of libtorch's own: autograd runs a device's backward pass on one of its own. */
    private static final AtomicReference<Throwable> FAILURE_OF_AUTOGRAD = new AtomicReference<>();
    private static final MethodHandle UPCALL;
    private static final MethodHandle FREE = Linker.nativeLinker().downcallHandle(
            Linker.nativeLinker().defaultLookup().findOrThrow("free"), FunctionDescriptor.ofVoid(ADDRESS));

    static {
        try {
            UPCALL = MethodHandles.lookup().findStatic(JavaKernels.class, "upcall", MethodType.methodType(void.class,
                    Kernel.class, String.class, MemorySegment.class, long.class, long.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private JavaKernels() {
    }

    /** An operator's kernel: from its arguments, which it need not close, to its results, which it gives away. */
    @FunctionalInterface
    public interface Kernel {
        /** Computes the operator; tensors it makes and does not return it closes itself. */
        Tensor[] run(Arguments arguments);
    }

    /** The arguments of one call of a kernel, by their position in the operator's schema. */
    public static final class Arguments {
        private final MemorySegment stack;
        private final Tensor[] tensors;

        private Arguments(MemorySegment stack, String kinds) {
            this.stack = stack;
            this.tensors = new Tensor[kinds.length()];
            for (int i = 0; i < tensors.length; i++) {
                long word = stack.getAtIndex(JAVA_LONG, i);
                tensors[i] = switch (kinds.charAt(i)) {
                    case 'T' -> Tensor.own(word);
                    case '?' -> word == 0 ? null : Tensor.own(unboxed(word));
                    default -> null;
                };
            }
        }

        /** What a present optional points at, which was made by C++'s {@code new}. */
        private static long unboxed(long address) {
            MemorySegment box = MemorySegment.ofAddress(address).reinterpret(Long.BYTES);
            long word = box.get(JAVA_LONG, 0);
            try {
                FREE.invokeExact(box);
            } catch (Throwable t) {
                throw new AssertionError(t);
            }
            return word;
        }

        /** Argument {@code i}, a tensor; null for an optional one that is absent. */
        public Tensor tensor(int i) {
            return tensors[i];
        }

        /** Argument {@code i}, an {@code int}. */
        public long integer(int i) {
            return stack.getAtIndex(JAVA_LONG, i);
        }

        private void close() {
            for (Tensor tensor : tensors) {
                if (tensor != null) {
                    tensor.close();
                }
            }
        }
    }

    /**
     * Makes {@code kernel} the implementation of an operator for the rest of the process.
     *
     * @param operator    without namespace
     * @param dispatchKey {@code CPU} or {@code CUDA}
     * @param arguments   of the operator's schema, a character each: {@code T} for a tensor, {@code ?} for an optional
     *                    one, {@code -} for a number
     */
    public static void implement(String operator, String dispatchKey, String arguments, Kernel kernel) {
        ErrorLog.silence();
        MemorySegment out = Arena.global().allocate(ADDRESS);
        MethodHandle bound = MethodHandles.insertArguments(UPCALL, 0, kernel, arguments);
        MemorySegment stub = Linker.nativeLinker().upcallStub(bound,
                FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG), Arena.global());
        Libtorch.call("opening the operator library", () -> (int) Libtorch.LIBRARY.invokeExact(Libtorch.string("aten"),
                Libtorch.string(dispatchKey), Libtorch.string("JavaKernels.java"), 1, out));
        MemorySegment library = out.get(ADDRESS, 0);
        Libtorch.call("implementing " + operator, () -> (int) Libtorch.LIBRARY_IMPLEMENT.invokeExact(library,
                Libtorch.string(operator), stub));
    }

    /** Throws what a kernel threw in this thread's last call; an exception cannot cross libtorch's own frames. */
    static void rethrow() {
        if (!FAILURES.isEmpty()) {
            raise(FAILURES.remove(Thread.currentThread()));
        }
    }

    /**
     * Throws what a kernel threw in the backward pass this thread has just run, also on autograd's own threads. Of two
     * backward passes at once on devices, the first to end hears of a failure of either.
     */
    static void rethrowAfterBackward() {
        rethrow();
        raise(FAILURE_OF_AUTOGRAD.getAndSet(null));
    }

    private static void raise(Throwable failure) {
        if (failure instanceof UserError error) {
            throw error;
        }
        if (failure != null) {
            throw new EngineException("a kernel written in Java failed: " + failure.getMessage(), failure);
        }
    }

    /** Whether the kernel was reached from Java: else its thread is libtorch's, and nobody looks there. */
    private static boolean calledFromJava() {
        return StackWalker.getInstance().walk(frames ->
                frames.anyMatch(frame -> !frame.getClassName().equals(JavaKernels.class.getName())));
    }

    private static void keep(Throwable failure) {
        if (calledFromJava()) {
            FAILURES.putIfAbsent(Thread.currentThread(), failure);
        } else {
            FAILURE_OF_AUTOGRAD.compareAndSet(null, failure);
        }
    }

    /** The C function behind an operator; the kernel's exceptions are kept for {@link #rethrow}. */
    static void upcall(Kernel kernel, String kinds, MemorySegment address, long inputs, long outputs) {
        MemorySegment stack = address.reinterpret(Long.BYTES * Math.max(inputs, outputs));
        Arguments arguments = null;
        try {
            arguments = new Arguments(stack, kinds);
            Tensor[] results = kernel.run(arguments);
            if (results.length != outputs) {
                throw new IllegalStateException("the kernel gave " + results.length + " results,"
                        + " the operator has " + outputs);
            }
            for (int i = 0; i < outputs; i++) {
                stack.setAtIndex(JAVA_LONG, i, results[i].release());
            }
        } catch (Throwable t) {
            keep(t);
            // Any valid tensor will do: the caller throws before it looks at one.
            for (int i = 0; i < outputs; i++) {
                stack.setAtIndex(JAVA_LONG, i, Tensor.undefined().release());
            }
        } finally {
            if (arguments != null) {
                arguments.close();
            }
        }
    }
}
