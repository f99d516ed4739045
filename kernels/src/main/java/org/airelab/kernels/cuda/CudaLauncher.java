package org.airelab.kernels.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import jcuda.driver.JCudaDriver;

/**
 * Launches on a stream of a GPU. A source is compiled and loaded at its first launch. What a launch asks for is
 * checked against the kernel and the device first, so that a mistake is an IllegalArgumentException with both numbers.
 * {@link #temporary} memory that was handed out during a capture stays until this launcher is closed, as graphs refer
 * to it. Closing leaves device and stream alone.
 */
public final class CudaLauncher implements Launcher, AutoCloseable {
    private final CudaDevice device;
    private final CudaStream stream;
    private final KernelCompiler compiler;
    private final Map<KernelSource, CudaModule> modules = new ConcurrentHashMap<>();
    private final Map<Entry, Kernel> kernels = new ConcurrentHashMap<>();
    private final List<DeviceBuffer> captured = new ArrayList<>();
    private DeviceBuffer temporary;
    private boolean temporaryCaptured;
    private volatile boolean closed;

    private record Entry(KernelSource source, String name) {
    }

    /** A function with the bytes of its parameters, where the driver or the source tells them. */
    private record Kernel(CudaFunction function, Optional<List<Integer>> parameters) {
    }

    /** Launches on a stream what the machine's compiler makes of the sources. */
    public CudaLauncher(CudaStream stream) {
        this(stream, KernelCompiler.forDevice(stream.device()));
    }

    /** Launches on a stream what {@code compiler} makes of the sources. */
    public CudaLauncher(CudaStream stream, KernelCompiler compiler) {
        this.device = stream.device();
        this.stream = stream;
        this.compiler = compiler;
    }

    @Override
    public void launch(Launch launch, Object... arguments) {
        enter();
        Kernel kernel = kernels.computeIfAbsent(new Entry(launch.source(), launch.entry()), this::load);
        LaunchBounds.check(launch, kernel.function().limits(), device.limits());
        kernel.parameters().ifPresent(bytes -> KernelArguments.check(launch.entry(), bytes, arguments));
        kernel.function().prepare(launch);
        try (Arena arena = Arena.ofConfined()) {
            enqueue(launch, kernel.function(), KernelArguments.pack(arena, launch.entry(), arguments));
        } finally {
            // The driver copies tensor maps during the call; until then they must not be collected.
            Reference.reachabilityFence(arguments);
        }
    }

    private void enter() {
        if (closed) {
            throw new IllegalStateException("the launcher on " + stream + " is closed");
        }
        stream.enter();
    }

    private void enqueue(Launch launch, CudaFunction function, MemorySegment packed) {
        if (launch.cluster() > 1) {
            DriverExtensions.get().launchCluster(function.handle().number(), stream.number(), launch, packed);
        } else {
            CudaException.check(JCudaDriver.cuLaunchKernel(function.handle(), launch.gridX(), launch.gridY(),
                    launch.gridZ(), launch.block(), 1, 1, launch.sharedBytes(), stream.handle(),
                    new Handles.RawPointer(packed.address()), null), "cuLaunchKernel", launch.entry());
        }
    }

    private Kernel load(Entry entry) {
        CudaFunction function = modules.computeIfAbsent(entry.source(), this::loadModule).function(entry.name());
        return new Kernel(function, DriverExtensions.get().parameters(function.handle().number(), entry.name())
                .or(() -> KernelParameters.parse(entry.source().text(), entry.name())));
    }

    private CudaModule loadModule(KernelSource source) {
        return new CudaModule(device, source.toString(), compiler.compile(source));
    }

    /** The kernel a launch of these would run, compiled and loaded if it is not yet: for its registers and memory. */
    public CudaFunction function(KernelSource source, String entry) {
        enter();
        return kernels.computeIfAbsent(new Entry(source, entry), this::load).function();
    }

    @Override
    public synchronized MemorySegment temporary(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("expected at least 0 bytes of temporary memory, found " + bytes);
        }
        enter();
        boolean capturing = stream.capturing();
        if (temporary == null || temporary.bytes() < bytes) {
            retire(capturing);
            temporary = new DeviceBuffer(device, Math.max(1, bytes));
            temporaryCaptured = false;
        }
        temporaryCaptured |= capturing;
        return temporary.memory().asSlice(0, bytes);
    }

    /** Gives the temporary memory back, which waits for the launches that use it; during a capture one cannot wait. */
    private void retire(boolean capturing) {
        DeviceBuffer old = temporary;
        temporary = null;
        if (old != null && (temporaryCaptured || capturing)) {
            captured.add(old);
        } else if (old != null) {
            old.close();
        }
    }

    @Override
    public void synchronize() {
        stream.synchronize();
    }

    @Override
    public int architecture() {
        return device.architecture();
    }

    @Override
    public int multiprocessors() {
        return device.multiprocessors();
    }

    /** Waits for the launches and frees the modules and temporary memory; graphs of these launches are void then. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        retire(true);
        List<Runnable> closing = new ArrayList<>();
        closing.add(stream::synchronize);
        modules.values().forEach(module -> closing.add(module::close));
        captured.forEach(buffer -> closing.add(buffer::close));
        runAll(closing);
    }

    /** Runs each, also when others fail: after a kernel's fault all do. */
    private static void runAll(List<Runnable> works) {
        RuntimeException failure = null;
        for (Runnable work : works) {
            try {
                work.run();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
