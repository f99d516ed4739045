package org.airelab.kernels.shim;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.kernels.cuda.HostTensorMap;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.TensorMap;

/**
 * Runs CUDA kernels on the CPU, one thread after the other in an order drawn from a seed, and throws a
 * {@link KernelFault} at
 * <ul>
 * <li>two accesses to the same bytes, one a write, that nothing orders: between the threads of a block no
 * {@code __syncthreads} (of a warp, {@code __syncwarp}), between the blocks of a launch anything but a turn passed on;
 * <li>an access outside of the buffers of the launcher and of shared memory, or misaligned for its type;
 * <li>a read of what was never written: shared memory in the block, {@link #allocate}d memory ever;
 * <li>a barrier that not all threads of a block reach, a warp whose lanes are at different meetings, a mask that is not
 * full;
 * <li>a use of what {@code cp.async} or TMA copies before it has been waited for;
 * <li>of Hopper's products, a use of their registers or an overwriting of their operands before they have been waited
 * for, registers touched without {@code wgmma.fence}, operands written without {@code fence.proxy.async}; an mbarrier
 * with too many arrivals, a named barrier to which not all come;
 * <li>a wait for the turn of a block that may not have begun.
 * </ul>
 * Neighbouring single bytes count as one. Launches are over when {@link #launch} returns.
 */
public final class HostLauncher implements Launcher, AutoCloseable {
    private static final int MESSAGE_BYTES = 4096;
    private static final int HOPPER = 90;
    private final int architecture;
    private final List<MemorySegment> buffers = new ArrayList<>();
    private final List<Mutation> mutations = new ArrayList<>();
    private long seed;
    private MemorySegment temporary;

    private static final class Mutation {
        final String original;
        final String replacement;
        boolean applied;

        Mutation(String original, String replacement) {
            this.original = original;
            this.replacement = replacement;
        }
    }

    /**
     * A launcher of Hopper, whose instructions are emulated, that draws its schedules from a seed; without g++ the test
     * that asks for it is skipped.
     */
    public HostLauncher(long seed) {
        this(seed, HOPPER);
    }

    /** The same of another architecture, {@code 10 * major + minor}: sources are compiled as they are for it. */
    public HostLauncher(long seed, int architecture) {
        HostLibrary.load();
        this.seed = seed;
        this.architecture = architecture;
    }

    /**
     * From now on the text given is replaced in each source that has it.
     *
     * @throws IllegalArgumentException at the launch of a source that has it more than once
     */
    public HostLauncher withMutation(String original, String replacement) {
        mutations.add(new Mutation(original, replacement));
        return this;
    }

    /** Memory between guard zones, filled with 0xff; a kernel that reads what is still that faults. */
    public MemorySegment allocate(long bytes) {
        return buffer(bytes, 1);
    }

    /** A copy of a segment between guard zones. */
    public MemorySegment copy(MemorySegment segment) {
        return buffer(segment.byteSize(), 0).copyFrom(segment);
    }

    /** {@link #allocate}d memory that begins so many bytes after a multiple of 256. */
    public MemorySegment allocate(long bytes, long shift) {
        return allocate(bytes + shift).asSlice(shift);
    }

    /** A {@link #copy} that begins so many bytes after a multiple of 256. */
    public MemorySegment copy(MemorySegment segment, long shift) {
        return buffer(segment.byteSize() + shift, 0).asSlice(shift).copyFrom(segment);
    }

    private MemorySegment buffer(long bytes, int tracked) {
        var buffer = HostLibrary.allocate(bytes, tracked);
        buffers.add(buffer);
        return buffer;
    }

    /** New memory at each call; what the call before returned faults from now on. */
    @Override
    public MemorySegment temporary(long bytes) {
        if (temporary != null) {
            buffers.remove(temporary);
            HostLibrary.free(temporary);
        }
        temporary = allocate(bytes);
        return temporary;
    }

    /** @throws KernelFault naming the kernel, the block, the thread, the memory and the line of the source */
    @Override
    public void launch(Launch launch, Object... arguments) {
        if (launch.cluster() != 1) {
            throw new IllegalArgumentException(launch.entry() + ": clusters cannot be executed on a CPU");
        }
        var kernel = HostLibrary.kernel(mutated(launch.source().text()), options(launch.source()), launch.entry());
        var kinds = new StringBuilder();
        try (var confined = Arena.ofConfined()) {
            var values = confined.allocate(ADDRESS, Math.max(1, arguments.length));
            for (var i = 0; i < arguments.length; i++) {
                values.setAtIndex(ADDRESS, i, value(confined, arguments[i], kinds));
            }
            if (!kinds.toString().equals(kernel.kinds())) {
                throw new IllegalArgumentException(launch.entry() + ": expected arguments of the kinds "
                        + kernel.kinds() + " (p a pointer, i Integer, l Long, f Float, d Double, m TensorMap), found "
                        + kinds);
            }
            var message = confined.allocate(MESSAGE_BYTES);
            var where = confined.allocate(JAVA_LONG);
            if (HostLibrary.launch(kernel, values, launch, seed++, message, where) != 0) {
                throw new KernelFault(launch.entry() + " of " + launch.source() + ": " + message.getString(0)
                        + HostLibrary.line(kernel, where.get(JAVA_LONG, 0)));
            }
        }
    }

    /** The source's macros, and those by which nvcc tells it what it is compiled for. */
    private List<String> options(KernelSource source) {
        var options = new ArrayList<>(source.options());
        options.add("-D__CUDA_ARCH__=" + 10 * architecture);
        if (architecture == HOPPER) {
            options.add("-D__CUDA_ARCH_FEAT_SM90_ALL");
        }
        return options;
    }

    private static MemorySegment value(Arena arena, Object argument, StringBuilder kinds) {
        switch (argument) {
            case null -> {
                kinds.append('p');
                return arena.allocateFrom(ADDRESS, MemorySegment.NULL);
            }
            case MemorySegment pointer -> {
                kinds.append('p');
                return arena.allocateFrom(ADDRESS, pointer);
            }
            case Integer number -> {
                kinds.append('i');
                return arena.allocateFrom(JAVA_INT, number);
            }
            case Long number -> {
                kinds.append('l');
                return arena.allocateFrom(JAVA_LONG, number);
            }
            case Float number -> {
                kinds.append('f');
                return arena.allocateFrom(JAVA_FLOAT, number);
            }
            case Double number -> {
                kinds.append('d');
                return arena.allocateFrom(JAVA_DOUBLE, number);
            }
            case TensorMap map -> {
                kinds.append('m');
                return HostTensorMap.encode(map, arena);
            }
            default -> throw new IllegalArgumentException("expected a segment, Integer, Long, Float, Double or "
                    + "TensorMap, found " + argument.getClass().getSimpleName());
        }
    }

    private String mutated(String text) {
        for (var mutation : mutations) {
            var first = text.indexOf(mutation.original);
            if (first >= 0) {
                if (text.indexOf(mutation.original, first + 1) >= 0) {
                    throw new IllegalArgumentException("expected once, found twice: " + mutation.original);
                }
                text = text.replace(mutation.original, mutation.replacement);
                mutation.applied = true;
            }
        }
        return text;
    }

    @Override
    public void synchronize() {}

    @Override
    public int architecture() {
        return architecture;
    }

    @Override
    public int multiprocessors() {
        return 4;
    }

    /**
     * Frees the buffers, which no kernel may touch any more.
     *
     * @throws IllegalStateException for a mutation that no launched source had
     */
    @Override
    public void close() {
        buffers.forEach(HostLibrary::free);
        for (var mutation : mutations) {
            if (!mutation.applied) {
                throw new IllegalStateException("expected in a source that was launched: " + mutation.original);
            }
        }
    }
}
