package org.airelab.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class JavaKernelsTest {
    private static void fail(String why) {
        JavaKernels.upcall(arguments -> {
            throw new IllegalStateException(why);
        }, "", MemorySegment.NULL, 0, 0);
    }

    @Test
    void eachThreadHearsOfItsOwnFailures() throws InterruptedException {
        fail("the caller's");
        AtomicReference<String> heard = new AtomicReference<>();
        Thread other = Thread.ofPlatform().start(() -> {
            JavaKernels.rethrow();
            fail("the other's");
            heard.set(assertThrows(EngineException.class, JavaKernels::rethrow).getMessage());
            JavaKernels.rethrow();
        });
        other.join();
        assertTrue(heard.get().endsWith("the other's"), heard.get());
        EngineException own = assertThrows(EngineException.class, JavaKernels::rethrow);
        assertTrue(own.getMessage().endsWith("the caller's"), own.getMessage());
        JavaKernels.rethrow();
    }

    /** As autograd does on a device: the kernel runs on a thread that no Java code waits on. */
    @Test
    void aFailureOnAThreadOfLibtorchsReachesWhoRanTheBackwardPass() throws Throwable {
        try (Arena arena = Arena.ofConfined(); NDManager manager = NDManager.newBaseManager()) {
            runOnNativeThread(arena, arguments -> {
                throw new IllegalStateException("on a device's thread");
            });
            NDArray x = manager.ones(new Shape(2));
            x.setRequiresGradient(true);
            try (Autograd.Mode recording = Autograd.recording()) {
                NDArray y = Aten.silu(manager, x); // an operator's call is not who it is meant for
                EngineException e = assertThrows(EngineException.class, () -> Autograd.backward(y, y.onesLike()));
                assertTrue(e.getMessage().endsWith("on a device's thread"), e.getMessage());
                NDArray again = Aten.silu(manager, x);
                Autograd.backward(again, again.onesLike());
            }
        }
    }

    private static void runOnNativeThread(Arena arena, JavaKernels.Kernel kernel) throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle upcall = MethodHandles.lookup().findStatic(JavaKernels.class, "upcall", MethodType.methodType(
                void.class, JavaKernels.Kernel.class, String.class, MemorySegment.class, long.class, long.class));
        MethodHandle noArguments = MethodHandles.insertArguments(upcall, 3, 0L, 0L);
        MethodHandle start = MethodHandles.insertArguments(noArguments, 0, kernel, "");
        MemorySegment stub = linker.upcallStub(start, FunctionDescriptor.ofVoid(ADDRESS), arena);
        MethodHandle create = linker.downcallHandle(linker.defaultLookup().findOrThrow("pthread_create"),
                FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
        MethodHandle join = linker.downcallHandle(linker.defaultLookup().findOrThrow("pthread_join"),
                FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
        MemorySegment thread = arena.allocate(JAVA_LONG);
        assertEquals(0, (int) create.invokeExact(thread, MemorySegment.NULL, stub, MemorySegment.NULL));
        assertEquals(0, (int) join.invokeExact(thread.get(JAVA_LONG, 0), MemorySegment.NULL));
    }
}
