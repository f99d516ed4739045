package org.airelab.doctor;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import org.airelab.tracking.Hardware;

/** The memory, as far as this process may use it. */
final class MemoryCheck implements Check {
    private static final String ENABLES = "models, batches and their activations on the CPU";
    private static final long BYTES_ADVISED = 2L << 30;

    private final LongSupplier usable;

    /** What this process may use is what the JVM knows of it, a container's limit included. */
    MemoryCheck() {
        this(Hardware::totalMemory);
    }

    /** @param usable bytes this process may use */
    MemoryCheck(LongSupplier usable) {
        this.usable = usable;
    }

    @Override
    public Finding examine(Machine machine) {
        List<String> meminfo = machine.lines("/proc/meminfo");
        long total = Math.min(bytes(meminfo, "MemTotal:"), usable.getAsLong());
        long available = Math.min(bytes(meminfo, "MemAvailable:"), total);
        long heap = Runtime.getRuntime().maxMemory();
        String found = String.format(Locale.ROOT,
                "%s, %s of it free; the Java heap may take %s (tensors lie outside it)",
                gibibytes(total), gibibytes(available), gibibytes(heap));
        Map<String, Object> details = Map.of("total_bytes", total, "available_bytes", available, "java_heap_bytes",
                heap);
        if (available < BYTES_ADVISED) {
            return new Finding("Memory", Status.WARNING, found, ENABLES,
                    "End other programs, or train the smallest models only: less than 2 GiB is free.", details);
        }
        return Finding.ok("Memory", found, ENABLES, details);
    }

    private static long bytes(List<String> meminfo, String key) {
        return meminfo.stream().filter(line -> line.startsWith(key)).findFirst()
                .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).orElse(Long.MAX_VALUE);
    }

    /** A size in GiB with one decimal. */
    static String gibibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
