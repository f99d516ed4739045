package org.airelab.doctor;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** NVIDIA GPUs and their driver. */
final class GpuCheck implements Check {
    static final String NAME = "GPU";
    private static final String ENABLES = "training and kernels on the GPU (--device cuda)";
    private static final String NVIDIA = "0x10de";

    @Override
    public Finding examine(Machine machine) {
        Optional<Machine.Library> driver = machine.library("libcuda.so.1");
        if (driver.isEmpty()) {
            return present(machine)
                    ? new Finding(NAME, Status.WARNING, "an NVIDIA GPU without its driver (no libcuda.so.1)", ENABLES,
                            "Install NVIDIA's driver, version 525 or newer, then look at nvidia-smi.", Map.of())
                    : new Finding(NAME, Status.ABSENT, "no NVIDIA GPU", ENABLES, "", Map.of());
        }
        try {
            CudaDriver.Report report = CudaDriver.ask(driver.get().file());
            return report.devices().isEmpty()
                    ? new Finding(NAME, Status.ABSENT, "a driver without a device", ENABLES,
                            "If there is a GPU, see that CUDA_VISIBLE_DEVICES does not hide it.", Map.of())
                    : describe(report, driverVersion(machine));
        } catch (CudaDriver.Unusable e) {
            return new Finding(NAME, Status.WARNING, e.getMessage(), ENABLES,
                    "Make nvidia-smi work first: driver and kernel module must have one version.", Map.of());
        }
    }

    private static Finding describe(CudaDriver.Report report, String driverVersion) {
        var details = new ArrayList<Map<String, Object>>();
        for (CudaDriver.Device device : report.devices()) {
            details.add(new TreeMap<>(Map.of("name", device.name(), "memory_bytes", device.memoryBytes(),
                    "compute_capability", device.computeCapability(), "multiprocessors", device.multiprocessors())));
        }
        Map<String, Long> counts = report.devices().stream().collect(Collectors.groupingBy(
                device -> String.format(Locale.ROOT, "%s (%s, compute capability %s)", device.name(),
                        MemoryCheck.gibibytes(device.memoryBytes()), device.computeCapability()),
                LinkedHashMap::new, Collectors.counting()));
        String names = counts.entrySet().stream().map(entry -> entry.getValue() + " x " + entry.getKey())
                .collect(Collectors.joining(", "));
        return Finding.ok(NAME, names + ", driver " + driverVersion + " for CUDA up to " + report.cudaVersion(),
                ENABLES,
                Map.of("driver", driverVersion, "cuda", report.cudaVersion(), "devices", List.copyOf(details)));
    }

    /** The kernel module's version, 550.54.15 or such: the second line of the file speaks of gcc. */
    private static String driverVersion(Machine machine) {
        return machine.lines("/proc/driver/nvidia/version").stream().findFirst()
                .map(line -> line.replaceFirst(".*?(\\d+\\.\\d+(\\.\\d+)*).*", "$1")).orElse("of unknown version");
    }

    /** Whether a display or 3D controller (PCI class 03) of NVIDIA is plugged in. */
    private static boolean present(Machine machine) {
        return machine.children("/sys/bus/pci/devices").stream()
                .map(device -> "/sys/bus/pci/devices/" + device.getFileName())
                .anyMatch(device -> machine.lines(device + "/vendor").contains(NVIDIA)
                        && machine.lines(device + "/class").stream().anyMatch(line -> line.startsWith("0x03")));
    }
}
