package org.airelab.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The driver API, spoken with a library that answers as a driver of two unequal GPUs, or of none, would. */
class CudaDriverTest {
    private static final String SOURCE = """
            #include <cstring>
            extern "C" {
            int cuInit(unsigned flags) { return INIT; }
            int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
            int cuDeviceGetCount(int *count) { *count = 2; return 0; }
            int cuDeviceGet(int *device, int ordinal) { *device = ordinal + 7; return 0; }
            int cuDeviceGetName(char *name, int length, int device) {
                strncpy(name, device == 7 ? "NVIDIA H100 80GB HBM3" : "NVIDIA A10", length);
                return 0;
            }
            int cuDeviceTotalMem_v2(size_t *bytes, int device) {
                *bytes = (device == 7 ? 80ull : 24ull) << 30;
                return 0;
            }
            int cuDeviceGetAttribute(int *value, int attribute, int device) {
                *value = attribute == 75 ? (device == 7 ? 9 : 8) : attribute == 76 ? (device == 7 ? 0 : 6)
                       : attribute == 16 ? (device == 7 ? 132 : 72) : -1;
                return 0;
            }
            int cuGetErrorString(int error, const char **text) {
                *text = "no CUDA-capable device is detected";
                return 0;
            }
            }
            """;

    @TempDir
    private Path root;

    @BeforeEach
    void compilerIsThere() {
        assumeTrue(Machine.local().program("g++").isPresent(), "this machine has no g++ to make a driver library with");
    }

    private Path driver(int resultOfInit) throws Exception {
        Path source = Files.writeString(root.resolve("driver.cpp"), SOURCE);
        Path library = Files.createDirectories(root.resolve("usr/lib")).resolve("libcuda.so.1");
        Process process = new ProcessBuilder("g++", "-shared", "-fPIC", "-Wl,-z,noexecstack", "-DINIT=" + resultOfInit,
                "-o", library.toString(), source.toString()).inheritIO().start();
        assertTrue(process.waitFor(1, TimeUnit.MINUTES) && process.exitValue() == 0, "g++ failed");
        return library;
    }

    @Test
    void devicesAreAskedOneByOne() throws Exception {
        CudaDriver.Report report = CudaDriver.ask(driver(0));
        assertEquals("12.6", report.cudaVersion());
        assertEquals(List.of(new CudaDriver.Device("NVIDIA H100 80GB HBM3", 80L << 30, "9.0", 132),
                new CudaDriver.Device("NVIDIA A10", 24L << 30, "8.6", 72)), report.devices());
    }

    @Test
    void theCheckSumsThemUp() throws Exception {
        driver(0);
        Path version = root.resolve("proc/driver/nvidia/version");
        Files.createDirectories(version.getParent());
        Files.writeString(version, "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build\n"
                + "GCC version: 12.2.0\n");
        Finding finding = new GpuCheck().examine(new Machine(root, Map.of()));
        assertEquals(Status.OK, finding.status());
        assertEquals("1 x NVIDIA H100 80GB HBM3 (80.0 GiB, compute capability 9.0), 1 x NVIDIA A10 (24.0 GiB, compute "
                + "capability 8.6), driver 550.54.15 for CUDA up to 12.6", finding.found());
        assertEquals("550.54.15", finding.details().get("driver"));
    }

    @Test
    void aDriverWithoutDeviceSaysWhy() throws Exception {
        Path library = driver(100);
        var failure = assertThrows(CudaDriver.Unusable.class, () -> CudaDriver.ask(library));
        assertEquals("cuInit failed with CUDA error 100 (no CUDA-capable device is detected)", failure.getMessage());
        assertEquals(Status.WARNING, new GpuCheck().examine(new Machine(root, Map.of())).status());
    }

    @Test
    void aLibraryThatCannotBeLoadedIsSaid() throws Exception {
        Path file = Files.createSymbolicLink(root.resolve("libcuda.so.1"), root.resolve("nothing"));
        var failure = assertThrows(CudaDriver.Unusable.class, () -> CudaDriver.ask(file));
        assertTrue(failure.getMessage().contains("cannot be loaded"), failure.getMessage());
    }
}
