package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Json, Trees, IoReasons, AtomicFiles and AtomicFolders. */
class FilesTest {
    @TempDir
    private Path folder;

    record Result(double valLoss, List<Long> stepsDone, String sha256) {
    }

    @Test
    void jsonIsIndentedAndSnakeCase() throws IOException {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("b", new Result(Double.NaN, List.of(1L, 2L), "ff"));
        map.put("a", Double.NEGATIVE_INFINITY);
        Json.write(folder.resolve("x.json"), map);
        assertEquals("""
                {
                  "b": {
                    "val_loss": "NaN",
                    "steps_done": [ 1, 2 ],
                    "sha256": "ff"
                  },
                  "a": "-Infinity"
                }
                """, Files.readString(folder.resolve("x.json")));
        assertEquals(new Result(1.5, List.of(), null), Json.MAPPER.readValue(
                "{\"val_loss\": 1.5, \"steps_done\": [], \"sha256\": null}", Result.class));
        assertThrows(JsonProcessingException.class, () -> Json.MAPPER.readTree("{\"a\":1,\"a\":2}"));
        assertThrows(JsonProcessingException.class, () -> Json.MAPPER.readTree("{} {}"));
        assertThrows(IllegalArgumentException.class, () -> Json.pretty(new Object()));
    }

    @Test
    void treesGoAndLinksTargetsStay() throws IOException {
        Path kept = Files.writeString(folder.resolve("kept"), "x");
        Path tree = Files.createDirectories(folder.resolve("tree/a/b")).getParent().getParent();
        Files.writeString(tree.resolve("a/f"), "x");
        Files.createSymbolicLink(tree.resolve("a/link"), kept);
        Files.createSymbolicLink(tree.resolve("loop"), tree);
        Path link = Files.createSymbolicLink(folder.resolve("link"), tree);
        Trees.delete(link);
        assertTrue(Files.exists(tree.resolve("a/f")), "a link goes, what it points to stays");
        Trees.delete(tree);
        Trees.delete(folder.resolve("none"));
        assertFalse(Files.exists(tree));
        assertEquals("x", Files.readString(kept));
    }

    @Test
    void reasonsAreWords() {
        assertEquals("no such file or folder: f", IoReasons.of(new NoSuchFileException("f")));
        assertEquals("permission denied: f", IoReasons.of(new AccessDeniedException("f")));
        assertEquals("No space left on device: f",
                IoReasons.of(new FileSystemException("f", null, "No space left on device")));
        assertEquals("No space left on device", IoReasons.of(new IOException("No space left on device")));
        assertEquals("IOException", IoReasons.of(new IOException()));
    }

    @Test
    void whatCannotBeWrittenIsNamedAsItWasGiven() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        Path none = Path.of("/proc/none.json");
        Map<Path, String> reasons = Map.of(file.resolve("x"), "not a folder: " + file, file.resolve("a/b/x"),
                "not a folder: " + file, folder,
                "it is a folder: " + folder, none, "no file can be made there: /proc");
        reasons.forEach((path, reason) -> {
            UserError error = assertThrows(UserError.class, () -> AtomicFiles.requireWritable(path));
            assertEquals("cannot write " + path + " (" + reason + ")", error.getMessage());
            assertEquals(UserError.BAD_INPUT, error.exitCode());
        });
        assertEquals("no file can be made there: " + none,
                IoReasons.of(assertThrows(IOException.class, () -> AtomicFiles.writeString(none, "x"))));
        assertEquals("no file can be made there: /proc/none",
                IoReasons.of(assertThrows(IOException.class, () -> AtomicFolders.write(Path.of("/proc/none"),
                        temporary -> { }))));
    }

    /** Nor can be looked whether the temporary file is there, to delete it. */
    @Test
    void aFolderThatMayNotBeEnteredIsNamed() throws IOException {
        Path closed = Files.createDirectory(folder.resolve("closed"), PosixFilePermissions.asFileAttribute(Set.of()));
        assumeFalse(Files.isWritable(closed), "root may enter every folder");
        Path file = closed.resolve("x");
        assertEquals("cannot write " + file + " (permission denied: " + closed + ")",
                assertThrows(UserError.class, () -> AtomicFiles.requireWritable(file)).getMessage());
        assertEquals("permission denied: " + file,
                IoReasons.of(assertThrows(IOException.class, () -> AtomicFiles.writeString(file, "x"))));
    }

    @Test
    void aPlaceThatCanBeWrittenIsLeftAsItWas() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");
        AtomicFiles.requireWritable(file);
        AtomicFiles.requireWritable(folder.resolve("a/b/new"));
        AtomicFiles.requireWritable(Path.of("/dev/null"));
        assertEquals("x", Files.readString(file));
        try (var made = Files.list(folder.resolve("a/b"))) {
            assertEquals(List.of(), made.toList());
        }
    }

    @Test
    @Timeout(60)
    void whatIsNoRegularFileIsWrittenInto() throws Exception {
        Path pipe = Pipes.make(folder.resolve("pipe"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("pipe"));
        for (Path target : List.of(pipe, link)) {
            var arrived = Pipes.read(pipe);
            AtomicFiles.writeString(target, "through");
            assertEquals("through", new String(arrived.get(), StandardCharsets.UTF_8));
        }
        assertFalse(Files.isRegularFile(pipe));
        assertTrue(Files.isSymbolicLink(link));
    }

    @Test
    void linksAreFollowed() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("elsewhere/file"));
        for (String text : List.of("new", "replaced")) {
            AtomicFiles.writeString(link, text);
            assertEquals(text, Files.readString(elsewhere.resolve("file")));
        }
        Path empty = Files.createDirectory(elsewhere.resolve("empty"));
        Path toFolder = Files.createSymbolicLink(folder.resolve("toFolder"), empty);
        AtomicFolders.write(toFolder, temporary -> {
            assertEquals(elsewhere.toRealPath(), temporary.getParent());
            Files.writeString(temporary.resolve("x"), "x");
        });
        assertEquals("x", Files.readString(empty.resolve("x")));
        assertTrue(Files.isSymbolicLink(link) && Files.isSymbolicLink(toFolder));
        try (var files = Files.list(elsewhere)) {
            assertEquals(2, files.count());
        }
        Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
        assertThrows(IOException.class, () -> AtomicFiles.writeString(loop, "x"));
    }

    @Test
    void temporariesOfOneFileDiffer() throws IOException {
        Path file = folder.resolve("x.txt");
        AtomicFiles.write(file, one -> {
            AtomicFiles.write(file, two -> {
                assertNotEquals(one, two);
                Files.writeString(two, "two");
            });
            Files.writeString(one, "one");
        });
        assertEquals("one", Files.readString(file));
    }

    /** The program of the test below. */
    static final class Writer {
        private Writer() {
        }

        public static void main(String[] arguments) throws IOException {
            Path folder = Path.of(arguments[0]);
            AtomicFiles.write(folder.resolve("file"), file -> AtomicFolders.write(folder.resolve("folder"), tree -> {
                Files.writeString(file, "half");
                Files.writeString(tree.resolve("inner"), "half");
                System.out.write('w');
                System.out.flush();
                LockSupport.parkNanos(TimeUnit.MINUTES.toNanos(5));
            }));
        }
    }

    @Test
    void aSignalTakesTheTemporariesWithTheProgram() throws Exception {
        Process writer = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), Writer.class.getName(),
                folder.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        assertEquals('w', writer.getInputStream().read());
        try (var files = Files.list(folder)) {
            assertEquals(2, files.count());
        }
        writer.destroy();
        assertEquals(128 + 15, writer.waitFor());
        try (var files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void aFailedWriteLeavesTheFileAsItWas() throws IOException {
        Path file = folder.resolve("x.txt");
        AtomicFiles.writeString(file, "before");
        assertThrows(IOException.class, () -> AtomicFiles.write(file, temporary -> {
            Files.writeString(temporary, "half");
            throw new IOException("No space left on device");
        }));
        assertEquals("before", Files.readString(file));
        try (var files = Files.list(folder)) {
            assertEquals(List.of(file), files.toList());
        }
    }
}
