package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CubinCacheTest {
    private static final byte[] CUBIN = "machine code".getBytes(StandardCharsets.US_ASCII);
    private static final String KEY = CubinCache.key("source", "sm_80", "nvcc");

    @TempDir
    Path folder;
    private final AtomicInteger compilations = new AtomicInteger();

    private byte[] compile() {
        compilations.incrementAndGet();
        return CUBIN.clone();
    }

    private Path entry() {
        return folder.resolve(KEY + ".cubin");
    }

    @Test
    void anEntryIsMadeOnceForAllWhoAsk() {
        assertArrayEquals(CUBIN, new CubinCache(folder).get(KEY, this::compile));
        assertArrayEquals(CUBIN, new CubinCache(folder).get(KEY, this::compile));
        assertEquals(1, compilations.get());
    }

    @Test
    void keysTellTheirPartsApart() {
        var keys = new HashSet<String>();
        for (String[] parts : new String[][] {{"ab", "c"}, {"a", "bc"}, {"abc"}, {"ab", "c", ""}, {"1:a"}, {"a", ""}}) {
            assertTrue(keys.add(CubinCache.key(parts)), Arrays.toString(parts));
        }
        assertEquals(CubinCache.key("ab", "c"), CubinCache.key("ab", "c"));
    }

    @Test
    void everyTruncationAndEveryFlippedBitIsFoundAndMended() throws IOException {
        CubinCache cache = new CubinCache(folder);
        cache.get(KEY, this::compile);
        byte[] whole = Files.readAllBytes(entry());
        int made = 1;
        for (int length = 0; length < whole.length; length++) {
            Files.write(entry(), Arrays.copyOf(whole, length));
            assertArrayEquals(CUBIN, cache.get(KEY, this::compile));
            assertEquals(++made, compilations.get(), "cut to " + length);
            assertArrayEquals(whole, Files.readAllBytes(entry()));
        }
        for (int bit = 0; bit < 8 * whole.length; bit += 3) {
            byte[] flipped = whole.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(entry(), flipped);
            assertArrayEquals(CUBIN, cache.get(KEY, this::compile));
            assertEquals(++made, compilations.get(), "bit " + bit);
        }
        Files.write(entry(), Arrays.copyOf(whole, whole.length + 1));
        cache.get(KEY, this::compile);
        assertEquals(++made, compilations.get(), "a byte more");
    }

    @Test
    void anEntryUnderAnotherNameIsNotTaken() throws IOException {
        new CubinCache(folder).get(KEY, this::compile);
        String other = CubinCache.key("other source");
        Files.copy(entry(), folder.resolve(other + ".cubin"));
        new CubinCache(folder).get(other, this::compile);
        assertEquals(2, compilations.get());
    }

    @Test
    void aFolderThatCannotBeWrittenOnlyCostsTheCache() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        CubinCache cache = new CubinCache(file.resolve("cubin"));
        assertArrayEquals(CUBIN, cache.get(KEY, this::compile));
        assertArrayEquals(CUBIN, cache.get(KEY, this::compile));
        assertEquals(2, compilations.get());
    }

    @Test
    void anEntryThatCannotBeReplacedOnlyCostsTheCache() throws IOException {
        Files.createDirectories(entry().resolve("not empty"));
        CubinCache cache = new CubinCache(folder);
        assertArrayEquals(CUBIN, cache.get(KEY, this::compile));
        assertArrayEquals(CUBIN, cache.get(KEY, this::compile));
        try (var files = Files.list(folder)) {
            assertTrue(files.noneMatch(file -> file.toString().endsWith(".tmp")));
        }
    }

    @Test
    void afterAnErrorTheNextCallTriesAgain() {
        CubinCache cache = new CubinCache(folder);
        assertThrows(CompilationException.class, () -> cache.get(KEY, () -> {
            throw new CompilationException("source", "sm_80", "nvcc", "log");
        }));
        assertArrayEquals(CUBIN, cache.get(KEY, this::compile));
        assertEquals(1, compilations.get());
    }

    @Test
    void ofManyThreadsOneCompiles() throws Exception {
        try (var threads = Executors.newFixedThreadPool(16)) {
            List<Callable<byte[]>> calls = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                calls.add(() -> new CubinCache(folder).get(KEY, () -> {
                    pause();
                    return compile();
                }));
            }
            for (var result : threads.invokeAll(calls)) {
                assertArrayEquals(CUBIN, result.get());
            }
        }
        assertEquals(1, compilations.get());
    }

    @Test
    void ofManyProcessesOneCompiles() throws Exception {
        try (var threads = Executors.newFixedThreadPool(3)) {
            Callable<String> process = () -> FakeDriver.runJava(Map.of(), Asker.class, folder.toString());
            for (var result : threads.invokeAll(List.of(process, process, process))) {
                assertEquals("machine code", result.get());
            }
        }
        assertEquals("made\n", Files.readString(folder.resolve("made")));
    }

    @Test
    void theLabsCacheFolderIsTheUsers() {
        String before = System.getProperty("lab.cache");
        System.setProperty("lab.cache", folder.toString());
        try {
            CubinCache.ofUser().get(KEY, this::compile);
        } finally {
            if (before == null) {
                System.clearProperty("lab.cache");
            } else {
                System.setProperty("lab.cache", before);
            }
        }
        assertTrue(Files.exists(folder.resolve("cubin").resolve(KEY + ".cubin")));
        assertNotEquals(0, compilations.get());
    }

    private static void pause() {
        try {
            Thread.sleep(300);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A process that asks for the entry, and notes when it has to make it. */
    static final class Asker {
        private Asker() {
        }

        public static void main(String[] arguments) {
            Path folder = Path.of(arguments[0]);
            System.out.print(new String(new CubinCache(folder).get(KEY, () -> {
                pause();
                try {
                    Files.writeString(folder.resolve("made"), "made\n", StandardOpenOption.CREATE,
                            StandardOpenOption.APPEND);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
                return CUBIN;
            }), StandardCharsets.US_ASCII));
        }
    }
}
