package org.airelab.tracking;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The machine a run ran on.
 *
 * @param host        its name
 * @param os          name, version and architecture of the operating system
 * @param cpu         the processor's model
 * @param cores       logical processors this process may use
 * @param memoryBytes memory this process may use, a container's limit included
 * @param gpus        its NVIDIA GPUs
 */
public record Hardware(String host, String os, String cpu, int cores, long memoryBytes, List<Gpu> gpus) {
    /**
     * A GPU.
     *
     * @param name        such as NVIDIA H200
     * @param memoryBytes its memory
     * @param driver      version of the driver
     */
    public record Gpu(String name, long memoryBytes, String driver) {
    }

    /** This machine. */
    public static Hardware detect() {
        String os = System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch");
        String gpus = Programs.output("nvidia-smi", "--query-gpu=name,memory.total,driver_version",
                "--format=csv,noheader,nounits").orElse("");
        return new Hardware(hostName(), os, cpuModel(), Runtime.getRuntime().availableProcessors(), totalMemory(),
                parseGpus(gpus));
    }

    /** Bytes of memory this process may use, a container's limit included. */
    public static long totalMemory() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }

    /** This machine's name without spaces; "localhost" when it has none. */
    static String hostName() {
        String name = System.getenv("HOSTNAME");
        if (name == null || name.isBlank()) {
            try {
                name = InetAddress.getLocalHost().getHostName();
            } catch (UnknownHostException e) {
                name = "localhost";
            }
        }
        return name.strip().replaceAll("[^A-Za-z0-9._-]", "-");
    }

    /** Lines of {@code name, MiB, driver}; a line of another form is skipped. */
    static List<Gpu> parseGpus(String csv) {
        List<Gpu> gpus = new ArrayList<>();
        for (String line : csv.lines().toList()) {
            String[] fields = line.split(",");
            if (fields.length == 3 && fields[1].strip().matches("\\d{1,12}")) {
                gpus.add(new Gpu(fields[0].strip(), Long.parseLong(fields[1].strip()) << 20, fields[2].strip()));
            }
        }
        return List.copyOf(gpus);
    }

    private static String cpuModel() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"), StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.startsWith("model name")).findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip()).orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return Programs.output("sysctl", "-n", "machdep.cpu.brand_string").orElse(System.getProperty("os.arch"));
        }
    }
}
