package org.airelab.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The functions of libtorch's C interface, bound to the very library DJL has loaded. A function that fails
 * throws {@link EngineException} with libtorch's own message.
 */
final class Libtorch {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Arena ARENA = Arena.global();
    private static final SymbolLookup TORCH;

    static {
        Engine.getInstance();
        TORCH = SymbolLookup.libraryLookup(loaded("libtorch_cpu.so").orElseThrow(() -> new EngineException(
                "libtorch_cpu.so is not loaded; is DJL's PyTorch engine on the class path?")), ARENA);
    }

    static final MethodHandle NEW_HANDLE = function("aoti_torch_new_tensor_handle", JAVA_LONG, ADDRESS);
    static final MethodHandle NEW_UNDEFINED = function("aoti_torch_new_uninitialized_tensor", ADDRESS);
    static final MethodHandle DELETE = function("aoti_torch_delete_tensor_object", JAVA_LONG);
    static final MethodHandle CALL = function("aoti_torch_call_dispatcher", ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle DATA = function("aoti_torch_get_data_ptr", JAVA_LONG, ADDRESS);
    static final MethodHandle DIMENSIONS = function("aoti_torch_get_dim", JAVA_LONG, ADDRESS);
    static final MethodHandle SIZE = function("aoti_torch_get_size", JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle STRIDE = function("aoti_torch_get_stride", JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DTYPE = function("aoti_torch_get_dtype", JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_TYPE = function("aoti_torch_get_device_type", JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_INDEX = function("aoti_torch_get_device_index", JAVA_LONG, ADDRESS);
    static final MethodHandle EMPTY = function("aoti_torch_empty_strided",
            JAVA_LONG, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    static final MethodHandle SCALAR = function("aoti_torch_scalar_to_tensor_float64", JAVA_DOUBLE, ADDRESS);
    static final MethodHandle FROM_BLOB = function("aoti_torch_create_tensor_from_blob",
            JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    static final MethodHandle REINTERPRET = function("aoti_torch__reinterpret_tensor",
            JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle COPY = function("aoti_torch_copy_", JAVA_LONG, JAVA_LONG, JAVA_INT);
    static final MethodHandle LIBRARY = function("aoti_torch_library_init_impl",
            ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS);
    static final MethodHandle LIBRARY_IMPLEMENT = function("aoti_torch_library_impl", ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle CPU_MM_OUT = function("aoti_torch_cpu_mm_out", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    static final MethodHandle CPU_ADDMM_OUT = function("aoti_torch_cpu_addmm_out",
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_DOUBLE, JAVA_DOUBLE);
    static final MethodHandle GRAD_MODE = LINKER.downcallHandle(symbol("aoti_torch_grad_mode_is_enabled"),
            FunctionDescriptor.of(JAVA_BOOLEAN));
    static final MethodHandle SET_GRAD_MODE = LINKER.downcallHandle(symbol("aoti_torch_grad_mode_set_enabled"),
            FunctionDescriptor.ofVoid(JAVA_BOOLEAN));

    private Libtorch() {
    }

    /** One call into libtorch; returns its status, 0 for success. Must be repeatable: see {@link #call}. */
    @FunctionalInterface
    interface NativeCall {
        int run() throws Throwable;
    }

    /**
     * Makes a call and turns a failure into an exception. libtorch's C interface reports only that it failed and
     * logs why, so a failed call is made once more with the log caught; operators fail in their checks, before they
     * write anything.
     */
    static void call(String what, NativeCall call) {
        try {
            if (call.run() == 0) {
                return;
            }
            String message = ErrorLog.during(call);
            if (message != null) {
                throw OutOfMemory.orElse(new EngineException(what + " failed: " + message));
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(what, t);
        }
    }

    /** A function of the C interface that returns a status. */
    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return LINKER.downcallHandle(symbol(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    static MemorySegment symbol(String name) {
        return TORCH.find(name).orElseThrow(() -> new EngineException(
                "this libtorch has no " + name + "; the lab needs libtorch 2.7.1 or newer"));
    }

    /** The path of a library of this process whose file name starts so. */
    static Optional<Path> loaded(String fileName) {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.contains("/" + fileName)).findFirst()
                    .map(line -> Path.of(line.substring(line.indexOf('/'))));
        } catch (IOException e) {
            throw new EngineException("cannot read /proc/self/maps; the torch bridge needs Linux", e);
        }
    }

    /** A C string that lives as long as the process. */
    static MemorySegment string(String text) {
        return ARENA.allocateFrom(text);
    }
}
