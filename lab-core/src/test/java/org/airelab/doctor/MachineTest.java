package org.airelab.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {
    @TempDir
    private Path root;

    private Path file(String path) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.createFile(file);
    }

    private Machine machine(String... variables) {
        return new Machine(root, variables.length == 0 ? Map.of() : Map.of(variables[0], variables[1]));
    }

    @Test
    void librariesAreFoundWhereTheLinkerLooks() throws IOException {
        Path real = file("usr/lib/x86_64-linux-gnu/libcublas.so.12.6.4.1");
        Files.createSymbolicLink(real.resolveSibling("libcublas.so.12"), real.getFileName());
        Machine.Library library = machine().library("libcublas.so.12").orElseThrow();
        assertTrue(library.linked());
        assertEquals("12.6.4.1", library.version());
        assertEquals(Optional.empty(), machine().library("libcublas.so.11"));
    }

    @Test
    void librariesAreFoundByTheLinkersConfigurationAndVariable() throws IOException {
        Path configured = file("opt/a/libx.so.1");
        Path configuration = file("etc/ld.so.conf.d/a.conf");
        Files.writeString(configuration, "# comment\n/opt/a\n");
        assertEquals(configured, machine().library("libx.so.1").orElseThrow().file());
        Path named = file("opt/b/libx.so.1");
        assertEquals(named, machine("LD_LIBRARY_PATH", ":/nowhere:" + named.getParent())
                .library("libx.so.1").orElseThrow().file());
    }

    @Test
    void aToolkitsFolderIsKnownThoughTheLinkerDoesNotLookThere() throws IOException {
        file("usr/local/cuda-12.6/lib64/libnvrtc.so.12");
        assertFalse(machine().library("libnvrtc.so.12").orElseThrow().linked());
    }

    @Test
    void programsAreExecutableFilesOnThePath() throws IOException {
        Path program = file("bin/nvcc");
        assertEquals(Optional.empty(), machine("PATH", program.getParent().toString()).program("nvcc"));
        assertTrue(program.toFile().setExecutable(true));
        assertEquals(Optional.of(program), machine("PATH", "/nowhere:" + program.getParent()).program("nvcc"));
        assertEquals(Optional.of(program), machine().program("nvcc", "/bin"));
        assertEquals(Optional.empty(), machine("PATH", "").program("nvcc"));
    }

    @Test
    void whatIsNotThereIsEmpty() {
        assertEquals(List.of(), machine().lines("/proc/cpuinfo"));
        assertEquals(List.of(), machine().children("/sys"));
        assertEquals("", machine().output("/no/such/program"));
        assertEquals(Optional.empty(), machine("EMPTY", "").variable("EMPTY"));
    }
}
