package org.airelab.train;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.airelab.kernels.cuda.HostTensorMap;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.TensorMap;
import org.airelab.kernels.shim.HostLauncher;

/**
 * Runs CUDA kernels on the CPU on tensors of libtorch's: the emulation knows only memory of its own, so that each
 * launch works on copies. Arguments that overlap share one.
 */
final class CopyingLauncher implements Launcher, AutoCloseable {
    private final HostLauncher host = new HostLauncher(1);
    private MemorySegment temporary;
    int launches;

    /** Memory from an address to before another, and its copy. */
    private record Region(long from, long to, MemorySegment copy) {
        MemorySegment at(MemorySegment original) {
            return copy.asSlice(original.address() - from, original.byteSize());
        }
    }

    @Override
    public void launch(Launch launch, Object... arguments) {
        launches++;
        try (HostLauncher one = new HostLauncher(launches)) {
            List<Region> regions = regions(arguments, one);
            one.launch(launch, Arrays.stream(arguments).map(argument -> copied(argument, regions)).toArray());
            regions.forEach(region -> MemorySegment.ofAddress(region.from).reinterpret(region.to - region.from)
                    .copyFrom(region.copy));
        }
    }

    private Object copied(Object argument, List<Region> regions) {
        MemorySegment memory = memory(argument);
        if (memory == null || isTemporary(memory)) {
            return argument;
        }
        MemorySegment copy = regionOf(memory, regions).at(memory);
        return argument instanceof TensorMap map ? HostTensorMap.over(map, copy) : copy;
    }

    /** What an argument points at; null for a number and a null pointer. */
    private static MemorySegment memory(Object argument) {
        return argument instanceof TensorMap map ? HostTensorMap.tensor(map)
                : argument instanceof MemorySegment segment ? segment : null;
    }

    private List<Region> regions(Object[] arguments, HostLauncher launcher) {
        List<MemorySegment> segments = Arrays.stream(arguments).map(CopyingLauncher::memory)
                .filter(memory -> memory != null && !isTemporary(memory))
                .sorted(Comparator.comparingLong(MemorySegment::address)).toList();
        List<Region> regions = new ArrayList<>();
        for (int i = 0; i < segments.size(); ) {
            long from = segments.get(i).address();
            long to = from;
            for (; i < segments.size() && segments.get(i).address() <= to; i++) {
                to = Math.max(to, segments.get(i).address() + segments.get(i).byteSize());
            }
            regions.add(new Region(from, to, launcher.copy(MemorySegment.ofAddress(from).reinterpret(to - from))));
        }
        return regions;
    }

    private static Region regionOf(MemorySegment segment, List<Region> regions) {
        return regions.stream().filter(region -> segment.address() >= region.from
                && segment.address() + segment.byteSize() <= region.to).findFirst().orElseThrow();
    }

    private boolean isTemporary(MemorySegment segment) {
        return temporary != null && segment.address() >= temporary.address()
                && segment.address() < temporary.address() + temporary.byteSize();
    }

    @Override
    public MemorySegment temporary(long bytes) {
        temporary = host.temporary(bytes);
        return temporary;
    }

    @Override
    public void synchronize() {
    }

    @Override
    public int architecture() {
        return host.architecture();
    }

    @Override
    public int multiprocessors() {
        return host.multiprocessors();
    }

    @Override
    public void close() {
        host.close();
    }
}
