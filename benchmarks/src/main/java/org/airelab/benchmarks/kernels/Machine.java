package org.airelab.benchmarks.kernels;

import ai.djl.engine.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.airelab.kernels.cpu.Parallel;

/** What Linux says about the processor and how busy it is. */
final class Machine {
    private static final Path CACHES = Path.of("/sys/devices/system/cpu/cpu0/cache");
    private static final Path GOVERNOR = Path.of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    private static final long USUAL_CACHE = 32L << 20;
    /** Columns of the first line of /proc/stat after its name: user, nice, system, idle, iowait, irq, softirq,
            steal. */
    private static final int STEAL = 7;

    private Machine() {
    }

    /** Loads libtorch, and makes the lab's kernels run on its OpenMP threads, as they do in training. */
    static void useLibtorchsThreads() {
        Engine.getInstance();
        Parallel.findOpenMp();
    }

    /** The size of the processor's last-level cache, 32 MiB where that is unknown. */
    static long lastLevelCacheBytes() {
        try (Stream<Path> levels = Files.list(CACHES)) {
            return levels.map(level -> read(level.resolve("size"))).filter(size -> size.matches("\\d+[KM]"))
                    .mapToLong(size -> Long.parseLong(size.substring(0, size.length() - 1))
                            << (size.endsWith("K") ? 10 : 20)).max().orElse(USUAL_CACHE);
        } catch (IOException e) {
            return USUAL_CACHE;
        }
    }

    /** The policy by which Linux sets clocks, such as performance; unknown in most virtual machines. */
    static String governor() {
        String governor = read(GOVERNOR);
        return governor.isEmpty() ? "unknown" : governor;
    }

    /** The mean of the cores' clocks now, in MHz. */
    static OptionalDouble megahertz() {
        return lines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("cpu MHz"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(':') + 1))).average();
    }

    /** Processor time since the machine started: {all, stolen by the hypervisor for other machines}. */
    static long[] processorTime() {
        List<String> lines = lines(Path.of("/proc/stat"));
        if (lines.isEmpty()) {
            return new long[] {0, 0};
        }
        long[] columns = Stream.of(lines.getFirst().split("\\s+")).skip(1).mapToLong(Long::parseLong).limit(STEAL + 1)
                .toArray();
        long all = 0;
        for (long column : columns) {
            all += column;
        }
        return new long[] {all, columns[STEAL]};
    }

    private static String read(Path file) {
        return String.join("", lines(file)).strip();
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            return List.of();
        }
    }
}
