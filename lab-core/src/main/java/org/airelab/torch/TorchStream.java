package org.airelab.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.djl.engine.Engine;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Makes a CUDA stream libtorch's current one for this thread until it is closed, by the thread that made it. Otherwise
 * libtorch enqueues on the default stream, which other streams do not wait for and which no graph can capture.
 */
public final class TorchStream implements AutoCloseable {
    private static final Optional<Path> LIBRARY = Libtorch.loaded("libtorch_cuda.so");

    /** Bound when the first guard is made: CPU builds of libtorch have no such functions. */
    private static final class Functions {
        static final SymbolLookup CUDA = SymbolLookup.libraryLookup(LIBRARY.orElseThrow(), Arena.global());
        static final MethodHandle CREATE =
                function("aoti_torch_create_cuda_stream_guard", JAVA_LONG, JAVA_INT, ADDRESS);
        static final MethodHandle CURRENT = function("aoti_torch_get_current_cuda_stream", JAVA_INT, ADDRESS);
        static final MethodHandle DELETE = function("aoti_torch_delete_cuda_stream_guard", JAVA_LONG);

        private static MethodHandle function(String name, MemoryLayout... arguments) {
            return Linker.nativeLinker().downcallHandle(CUDA.findOrThrow(name),
                    FunctionDescriptor.of(JAVA_INT, arguments));
        }
    }

    private final long guard;

    private TorchStream(long guard) {
        this.guard = guard;
    }

    /** Whether this libtorch is a CUDA build that sees a GPU. */
    public static boolean available() {
        return LIBRARY.isPresent() && Engine.getInstance().getGpuCount() > 0;
    }

    /**
     * Makes a stream the current one.
     *
     * @param stream the {@code cudaStream_t}, of the device's primary context
     * @param device ordinal of its device, which becomes the current one too
     * @throws IllegalStateException when this libtorch is a CPU build
     */
    public static TorchStream enter(long stream, int device) {
        requireCuda();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            Libtorch.call("entering a CUDA stream",
                    () -> (int) Functions.CREATE.invokeExact(stream, device, out));
            return new TorchStream(out.get(JAVA_LONG, 0));
        }
    }

    /**
     * The {@code cudaStream_t} that is the current one of this thread: what the thread does with tensors of the device
     * is enqueued there. 0 is the default stream.
     *
     * @param device ordinal of the device
     * @throws IllegalStateException when this libtorch is a CPU build
     */
    public static long current(int device) {
        requireCuda();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            Libtorch.call("asking for the current CUDA stream",
                    () -> (int) Functions.CURRENT.invokeExact(device, out));
            return out.get(JAVA_LONG, 0);
        }
    }

    /** The file of libtorch that holds what it does with CUDA, NCCL in DJL's builds; none in CPU builds. */
    public static Optional<Path> cudaLibrary() {
        return LIBRARY;
    }

    private static void requireCuda() {
        if (LIBRARY.isEmpty()) {
            throw new IllegalStateException("expected a CUDA build of libtorch, found a CPU build");
        }
    }

    /** Makes the stream and device current that were so before. */
    @Override
    public void close() {
        Libtorch.call("leaving a CUDA stream", () -> (int) Functions.DELETE.invokeExact(guard));
    }
}
