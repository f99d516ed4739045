package org.airelab.kernels.cpu;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.IntConsumer;

/**
 * Calls a task in such a way that the compiler never inlines it.
 *
 * <p>A loop over tasks sees a different body from each kernel. Where a process runs two of them, the compiler inlines
 * both into the loop, and with them every vector operation of both. At 18,000 nodes (NodeCountInliningCutoff) it stops
 * inlining wherever it is, and if that is within a vector loop, its vectors become objects and the kernel three to nine
 * times as slow. Behind this call each body is compiled by itself, as if it were the process's only one.
 */
final class TaskCall {
    /** Not final: a handle that the compiler takes for a constant is inlined like any other call. */
    private static MethodHandle accept = find();

    private TaskCall() {}

    private static MethodHandle find() {
        try {
            return MethodHandles.lookup().findVirtual(IntConsumer.class, "accept",
                    MethodType.methodType(void.class, int.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    static void call(IntConsumer task, int index) throws Throwable {
        accept.invokeExact(task, index);
    }
}
