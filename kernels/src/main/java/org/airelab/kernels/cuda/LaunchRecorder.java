package org.airelab.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Runs nothing and remembers the sources it was asked to launch: which a rung uses, and with which macros, without a
 * device. Its memory has addresses and no content.
 */
public final class LaunchRecorder implements Launcher {
    private static final long ADDRESS = 1L << 40;

    private final int architecture;
    private final int multiprocessors;
    private final Map<KernelSource, Integer> sharedBytes = new LinkedHashMap<>();

    /** Stands for a device of an architecture, {@code 10 * major + minor}, with so many multiprocessors. */
    public LaunchRecorder(int architecture, int multiprocessors) {
        this.architecture = architecture;
        this.multiprocessors = multiprocessors;
    }

    /** The sources launched so far, in the order of their first launch. */
    public Set<KernelSource> sources() {
        return sharedBytes.keySet();
    }

    /** The most dynamic shared memory that a block of a source's launches was to have. */
    public int sharedBytes(KernelSource source) {
        return sharedBytes.get(source);
    }

    @Override
    public void launch(Launch launch, Object... arguments) {
        sharedBytes.merge(launch.source(), launch.sharedBytes(), Math::max);
    }

    /** An address in a region no device has: it must not be read or written. */
    @Override
    public MemorySegment temporary(long bytes) {
        return MemorySegment.ofAddress(ADDRESS).reinterpret(bytes);
    }

    @Override
    public void synchronize() {
        // Everything has been remembered already.
    }

    @Override
    public int architecture() {
        return architecture;
    }

    @Override
    public int multiprocessors() {
        return multiprocessors;
    }
}
