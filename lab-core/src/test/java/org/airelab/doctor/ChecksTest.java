package org.airelab.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The checks, each on a machine made for it. */
class ChecksTest {
    private static final long GIB = 1L << 30;

    @TempDir
    private Path root;

    private Path write(String path, String content) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    private Finding examine(Check check, String... environment) {
        return check.examine(new Machine(root,
                environment.length == 0 ? Map.of() : Map.of(environment[0], environment[1])));
    }

    @Test
    void processorTellsItsInstructions() throws IOException {
        write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Test CPU 3000\n"
                + "flags\t\t: fpu sse4_2 fma avx2 amx_bf16 rdpid\n\n");
        Finding finding = examine(new ProcessorCheck());
        assertEquals("Test CPU 3000", finding.details().get("model"));
        assertEquals(List.of("sse4_2", "fma", "avx2", "amx_bf16"), finding.details().get("instructions"));
        assertEquals(Runtime.getRuntime().availableProcessors(), finding.details().get("cores"));
    }

    @Test
    void processorWithoutProcIsStillCounted() {
        Finding finding = examine(new ProcessorCheck());
        assertEquals(System.getProperty("os.arch"), finding.details().get("model"));
        assertEquals(List.of(), finding.details().get("instructions"));
    }

    @Test
    void memoryIsTheContainersWhereThatIsLess() throws IOException {
        write("proc/meminfo", "MemTotal:       67108864 kB\nMemFree: 1 kB\nMemAvailable:   33554432 kB\n");
        Finding all = examine(new MemoryCheck(() -> 64 * GIB));
        assertEquals(64 * GIB, all.details().get("total_bytes"));
        assertEquals(32 * GIB, all.details().get("available_bytes"));
        Finding limited = examine(new MemoryCheck(() -> 8 * GIB));
        assertEquals(8 * GIB, limited.details().get("total_bytes"));
        assertEquals(8 * GIB, limited.details().get("available_bytes"));
        assertEquals(Status.OK, limited.status());
    }

    @Test
    void littleMemoryIsAWarning() throws IOException {
        write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 1048576 kB\n");
        Finding finding = examine(new MemoryCheck(() -> 64 * GIB));
        assertEquals(Status.WARNING, finding.status());
        assertTrue(finding.found().startsWith("4.0 GiB, 1.0 GiB of it free"), finding.found());
    }

    @Test
    void diskIsMeasuredWhereTheFolderWillBe() throws IOException {
        Finding finding = examine(new DiskCheck("Runs", root.resolve("not/yet/there"), "runs"));
        assertEquals(root.resolve("not/yet/there").toString(), finding.details().get("path"));
        assertEquals(Boolean.TRUE, finding.details().get("writable"));
        long free = Files.getFileStore(root).getUsableSpace();
        assertEquals(free, (double) (long) finding.details().get("free_bytes"), 0.5 * free);
    }

    @Test
    void aGpuWithoutItsDriverIsSeen() throws IOException {
        assertEquals(Status.ABSENT, examine(new GpuCheck()).status());
        write("sys/bus/pci/devices/0000:00:02.0/vendor", "0x10de\n");
        write("sys/bus/pci/devices/0000:00:02.0/class", "0x040300\n");
        assertEquals(Status.ABSENT, examine(new GpuCheck()).status(), "a sound device of NVIDIA's is no GPU");
        write("sys/bus/pci/devices/0000:00:02.1/vendor", "0x10de\n");
        write("sys/bus/pci/devices/0000:00:02.1/class", "0x030200\n");
        Finding finding = examine(new GpuCheck());
        assertEquals(Status.WARNING, finding.status());
        assertTrue(finding.advice().contains("driver"), finding.advice());
    }

    @Test
    void librariesAreAllOrSomeOrNone() throws IOException {
        var check = new LibraryCheck("Pair", List.of("liba.so.1", "libb.so.2"), "tests", "Get them.");
        assertEquals(Status.ABSENT, examine(check).status());
        write("usr/lib/liba.so.1", "");
        Finding half = examine(check);
        assertEquals(Status.WARNING, half.status());
        assertEquals("liba.so.1 (1), but no libb.so.2", half.found());
        Path b = write("usr/local/cuda/lib64/libb.so.2", "");
        Finding unlinked = examine(check);
        assertEquals(Status.WARNING, unlinked.status());
        assertTrue(unlinked.advice().startsWith("Set LD_LIBRARY_PATH=" + b.getParent()), unlinked.advice());
        Finding all = examine(check, "LD_LIBRARY_PATH", b.getParent().toString());
        assertEquals(Status.OK, all.status());
        assertEquals(b.toString(), all.details().get("libb.so.2"));
    }

    @Test
    void aProgramsVersionIsAskedFor() throws IOException {
        var check = new ProgramCheck("nvcc", List.of("nvcc"), "release (\\d+\\.\\d+)", "compiling", "Install it.");
        Finding absent = examine(check);
        assertEquals(Status.ABSENT, absent.status());
        assertEquals("Install it.", absent.advice());
        Path program = write("usr/local/cuda/bin/nvcc",
                "#!/bin/sh\necho 'nvcc: NVIDIA (R)' >&2\necho 'release 12.6, V12.6.85'\n");
        assertTrue(program.toFile().setExecutable(true));
        Finding found = examine(check);
        assertEquals("12.6", found.details().get("version"), found.found());
        assertEquals(program.toString(), found.details().get("path"));
    }

    @Test
    void mavensVersionIsReadFromItsFiles() throws IOException {
        assertEquals(Status.ABSENT, examine(new MavenCheck(), "PATH", root.toString()).status());
        Path mvn = write("maven/bin/mvn", "");
        assertTrue(mvn.toFile().setExecutable(true));
        assertEquals("", examine(new MavenCheck(), "PATH", mvn.getParent().toString()).details().get("version"));
        Path jar = write("maven/lib/maven-core-3.x.jar", "");
        try (var out = new java.util.zip.ZipOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new java.util.zip.ZipEntry("META-INF/maven/org.apache.maven/maven-core/pom.properties"));
            out.write("version=3.9.11\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        assertEquals("3.9.11", examine(new MavenCheck(), "PATH", mvn.getParent().toString()).details().get("version"));
    }

    @Test
    void fontsTakeFontconfigAndAFont() throws IOException {
        assertEquals(Status.ABSENT, examine(new FontCheck()).status());
        write("usr/lib/libfontconfig.so.1", "");
        assertEquals("fontconfig, but no font", examine(new FontCheck()).found());
        write("usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "");
        assertEquals(Status.OK, examine(new FontCheck()).status());
    }

    @Test
    void libtorchIsTheOneOnTheClassPathUnlessToldOtherwise() throws IOException {
        Finding classPath = examine(new LibtorchCheck());
        assertEquals("cpu", classPath.details().get("flavor"));
        assertEquals("2.7.1", classPath.details().get("version"));
        Path folder = Files.createDirectories(root.resolve("libtorch"));
        assertEquals(Status.MISSING, examine(new LibtorchCheck(), "PYTORCH_LIBRARY_PATH", folder.toString()).status());
        Files.createFile(folder.resolve("libtorch.so"));
        Files.createFile(folder.resolve("libtorch_cuda.so"));
        Finding told = examine(new LibtorchCheck(), "PYTORCH_LIBRARY_PATH", folder.toString());
        assertEquals(Status.OK, told.status());
        assertEquals("cuda", told.details().get("flavor"));
    }

    @Test
    void aGpuThatLibtorchWouldLeaveIdleIsAWarning() throws IOException {
        write("usr/lib/libcuda.so.1", "");
        Finding idle = examine(new LibtorchCheck());
        assertEquals(Status.WARNING, idle.status());
        assertTrue(idle.advice().contains("libcudart.so.12"), idle.advice());
        write("usr/lib/libcudart.so.12", "");
        assertEquals(Status.OK, examine(new LibtorchCheck()).status());
    }

    @Test
    void torchWorks() {
        Finding finding = new TorchTrial().examine(Machine.local());
        assertEquals(Status.OK, finding.status(), finding.found());
        assertEquals("PyTorch", finding.details().get("engine"));
    }
}
