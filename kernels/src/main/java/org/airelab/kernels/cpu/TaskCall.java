package org.airelab.kernels.cpu;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.IntConsumer;

/**
 * Calls a loop's body in such a way that the compiler never inlines it.
 *
 * <p>A loop over tasks sees a different body from each kernel. Where a process runs two of them, the compiler inlines
 * both into the loop, and with them every vector operation of both, 400 nodes each. Beyond 18,000 nodes
 * (NodeCountInliningCutoff) it inlines none of our methods any more, and where that comes true within a vector loop,
 * its vectors become objects and the kernel three to nine times as slow. Behind this call each body is compiled by
 * itself, as if it were the process's only one.
 */
final class TaskCall {
    // Not final: a handle that the compiler takes for a constant is inlined like any other call.
    private static MethodHandle task = find(IntConsumer.class, int.class);
    private static MethodHandle piece = find(Cores.Piece.class, int.class, long.class, long.class);

    private TaskCall() {}

    private static MethodHandle find(Class<?> body, Class<?>... parameters) {
        try {
            return MethodHandles.lookup().findVirtual(body, "accept", MethodType.methodType(void.class, parameters));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    static void call(IntConsumer body, int index) {
        try {
            task.invokeExact(body, index);
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    static void call(Cores.Piece body, int index, long from, long to) {
        try {
            piece.invokeExact(body, index, from, to);
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** Bodies declare no exceptions, but a handle's call does. */
    static RuntimeException unchecked(Throwable t) {
        return switch (t) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            case Throwable e -> new IllegalStateException(e);
        };
    }
}
