package org.airelab.base;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The end of a process some of whose threads are in native code. The JVM stops what runs Java and calls C's exit(),
 * which runs the destructors of all libraries; a thread in native code goes on meanwhile. In libtorch it then crashes
 * the process that was about to end: each node of a backward pass asks at::accelerator::getAccelerator, which calls a
 * virtual function of an object that exit() destroys among the first.
 */
public final class NativeExit {
    private NativeExit() {
    }

    /**
     * Has exit() end the process, with the exit code it is given, before it runs any destructor. What libraries report
     * or flush at an orderly end is lost. Where the C library is not glibc nothing changes.
     */
    public static void skipDestructors() {
        Linker linker = Linker.nativeLinker();
        SymbolLookup libc = linker.defaultLookup();
        Optional<MemorySegment> function = libc.find("on_exit");
        if (function.isEmpty()) {
            return;
        }
        MethodHandle onExit = linker.downcallHandle(function.get(), FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
        try {
            // What was registered last is called first, with the exit code as its first argument: that of _exit().
            int _ = (int) onExit.invokeExact(libc.findOrThrow("_exit"), MemorySegment.NULL);
        } catch (Throwable t) {
            throw new AssertionError("foreign functions throw nothing", t);
        }
    }
}
