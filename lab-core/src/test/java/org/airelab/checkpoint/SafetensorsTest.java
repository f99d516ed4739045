package org.airelab.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
    /**
     * What Python's safetensors 0.8.0 wrote for {"b": int16 [[1, -2]], "a": float32 [1.5], "e": empty float32 (0, 3)}.
     */
    private static final String PYTHON_HEADER = """
            {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},\
            "e":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},\
            "b":{"dtype":"I16","shape":[1,2],"data_offsets":[4,8]}}""";

    @TempDir
    private Path folder;

    @Test
    void everyTypeAndShapeComesBack() throws IOException {
        Random random = new Random(3);
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        long[][] shapes = {{}, {1}, {0}, {3, 5}, {2, 0, 4}, {7, 1, 3, 1}};
        for (DType type : DType.values()) {
            for (long[] shape : shapes) {
                byte[] bytes = new byte[(int) new TensorInfo(type, shape).byteSize()];
                random.nextBytes(bytes);
                tensors.put(type + "." + shape.length + ".\u00e9\"\n",
                        new TensorData(type, shape, MemorySegment.ofArray(bytes)));
            }
        }
        Path file = folder.resolve("all.safetensors");
        Map<String, String> metadata = Map.of("format", "pt", "note", "\u20ac \"quoted\"");
        SafetensorsWriter.write(file, tensors, metadata);
        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertEquals(tensors.keySet(), read.names());
            assertEquals(metadata, read.metadata());
            for (String name : tensors.keySet()) {
                assertEquals(tensors.get(name).info(), read.info(name));
                TensorData tensor = read.tensor(name);
                assertEquals(-1, tensors.get(name).data().mismatch(tensor.data()), name);
                assertEquals(0, (tensor.data().address()) % tensor.dtype().bytes(), "aligned: " + name);
                assertTrue(tensor.data().isReadOnly());
            }
        }
        byte[] first = Files.readAllBytes(file);
        SafetensorsWriter.write(file, tensors, metadata);
        assertArrayEquals(first, Files.readAllBytes(file), "the same tensors give the same bytes");
        assertEquals(List.of(file), list());
    }

    @Test
    void headerIsPaddedWithSpacesToEightBytes() throws IOException {
        for (int length = 1; length <= 9; length++) {
            byte[] file = bytes(Map.of("x".repeat(length), floats(1f)), Map.of());
            int header = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
            assertEquals(0, header % 8);
            String json = new String(file, 8, header, StandardCharsets.UTF_8);
            assertTrue(json.stripTrailing().endsWith("}") && header - json.stripTrailing().length() < 8, json);
        }
    }

    @Test
    void memoryOfAnyKindIsWritten() throws IOException {
        float[] values = new float[3_000_001];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment nativeMemory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
            Path file = folder.resolve("big.safetensors");
            SafetensorsWriter.write(file, ordered("heap", MemorySegment.ofArray(values), "native", nativeMemory),
                    Map.of());
            try (SafetensorsFile read = SafetensorsFile.open(file)) {
                assertEquals(-1, read.tensor("heap").data().mismatch(nativeMemory));
                assertEquals(-1, read.tensor("native").data().mismatch(nativeMemory));
            }
        }
    }

    @Test
    void tensorsAreFetchedOneAtATime() throws IOException {
        Map<String, TensorInfo> infos = new LinkedHashMap<>();
        infos.put("bytes", new TensorInfo(DType.U8, new long[] {3}));
        infos.put("first", new TensorInfo(DType.F32, new long[] {1}));
        infos.put("second", new TensorInfo(DType.F32, new long[] {1}));
        StringBuilder calls = new StringBuilder();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SafetensorsWriter.write(Channels.newChannel(out), infos, Map.of(), name -> {
            calls.append(name).append(' ');
            return MemorySegment.ofArray(new byte[name.equals("bytes") ? 3 : 4]);
        });
        assertEquals("first second bytes ", calls.toString(), "larger elements first, else the order given");
        assertThrows(IllegalArgumentException.class, () -> SafetensorsWriter.write(
                Channels.newChannel(out), infos, Map.of(), _ -> MemorySegment.ofArray(new byte[5])));
    }

    @Test
    void readsWhatPythonWrote() throws IOException {
        byte[] data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(1.5f)
                .putShort((short) 1).putShort((short) -2).array();
        try (SafetensorsFile read = SafetensorsFile.open(file(PYTHON_HEADER + "   ", data))) {
            assertEquals(Set.of("a", "b", "e"), read.names());
            assertEquals(Map.of("format", "pt"), read.metadata());
            assertEquals(1.5f, read.tensor("a").data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
            assertEquals(-2, read.tensor("b").data().get(ValueLayout.JAVA_SHORT_UNALIGNED, 2));
            assertArrayEquals(new long[] {0, 3}, read.tensor("e").shape());
            UserError missing = assertThrows(UserError.class, () -> read.tensor("c"));
            assertTrue(missing.getMessage().contains("no tensor c"), missing.getMessage());
        }
    }

    @Test
    void aFileWithoutTensorsIsFine() throws IOException {
        try (SafetensorsFile read = SafetensorsFile.open(file("{}", new byte[0]))) {
            assertEquals(Set.of(), read.names());
        }
        byte[] empty = bytes(Map.of(), Map.of());
        assertEquals(16, empty.length);
    }

    @Test
    void everyBrokenRuleIsNamed() throws IOException {
        String good = "{'x':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}";
        refused("is next", "{'x':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
                + "'y':{'dtype':'F32','shape':[1],'data_offsets':[2,6]}}");
        refused("is next", "{'x':{'dtype':'U8','shape':[3],'data_offsets':[0,3]},"
                + "'y':{'dtype':'U8','shape':[4],'data_offsets':[4,8]}}");
        refused("is next", "{'x':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}");
        refused("its tensors take 16 bytes and the file holds 8",
                "{'x':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}}");
        refused("its tensors take 4 bytes and the file holds 8",
                "{'x':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}");
        refused("takes 12 bytes", "{'x':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}");
        refused("takes 8 bytes", "{'x':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}");
        refused("takes 8 bytes", "{'x':{'dtype':'F32','shape':[2],'data_offsets':[0,8,16]}}");
        refused("non-negative", "{'x':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}");
        refused("non-negative", "{'x':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}}");
        refused("non-negative", "{'x':{'dtype':'F32','shape':[18446744073709551616],'data_offsets':[0,8]}}");
        refused("fewer than 2^63", "{'x':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,8]}}");
        refused("no list shape", "{'x':{'dtype':'F32','shape':2,'data_offsets':[0,8]}}");
        refused("no list data_offsets", "{'x':{'dtype':'F32','shape':[2],'data_offsets':{'a':0,'b':8}}}");
        refused("dtype F8_E4M3", "{'x':{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}}");
        refused("exactly dtype", "{'x':{'shape':[2],'data_offsets':[0,8]}}");
        refused("exactly dtype", "{'x':{'dtype':'F32','shape':[2],'data_offsets':[0,8],'more':1}}");
        refused("exactly dtype", "{'x':[1,2,3]}");
        refused("not JSON (Duplicate field 'x')", good.substring(0, good.length() - 1) + "," + good.substring(1));
        refused("not JSON (Duplicate field 'a')", "{'__metadata__':{'a':'1','a':'2'}}");
        refused("no string", "{'__metadata__':{'a':1}}");
        refused("must be an object", "{'__metadata__':'text'}");
        refused("not JSON", good.substring(0, good.length() - 1));
        refused("not JSON", good + "{}");
        refused("not JSON", "{".repeat(2000));
        refused("does not begin with {", " " + good);
        refused("does not begin with {", "[]");
        refused("does not begin with {", "");
    }

    private void refused(String reason, String header) throws IOException {
        Path file = file(header.replace('\'', '"'), new byte[8]);
        UserError error = assertThrows(UserError.class, () -> SafetensorsFile.open(file).close(), header);
        assertTrue(error.getMessage().contains(reason), error.getMessage());
        assertTrue(error.getMessage().contains("t.safetensors"), "names the file: " + error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    @Test
    void lengthsFilesAndEncodingsAreChecked() throws IOException {
        Path file = folder.resolve("t.safetensors");
        for (byte[] content : new byte[][] {{}, {1, 2, 3}, length(Long.MAX_VALUE), length(-1), length(100_000_001),
                length(1)}) {
            Files.write(file, content);
            assertThrows(UserError.class, () -> SafetensorsFile.open(file));
        }
        Files.write(file, concat(length(4), new byte[] {'{', '"', (byte) 0xC3, '}'}));
        assertTrue(assertThrows(UserError.class, () -> SafetensorsFile.open(file)).getMessage().contains("not UTF-8"));
        assertTrue(assertThrows(UserError.class, () -> SafetensorsFile.open(folder.resolve("none")))
                .getMessage().contains("no file"));
        assertThrows(UserError.class, () -> SafetensorsFile.open(folder));
    }

    /** Whatever bytes a header has, reading it gives tensors that obey the format or a sentence, and nothing else. */
    @Test
    void mutatedFilesNeverGetPastTheChecks() throws IOException {
        byte[] good = bytes(ordered("w", floats(1, 2).data(), "b", floats(3).data()), Map.of("k", "v"));
        Random random = new Random(11);
        Path file = folder.resolve("m.safetensors");
        int accepted = 0;
        for (int round = 0; round < 50_000; round++) {
            byte[] mutated = mutate(good, random);
            try {
                if (mutated.length < 8) {
                    continue;
                }
                long length = ByteBuffer.wrap(mutated).order(ByteOrder.LITTLE_ENDIAN).getLong();
                int checked = SafetensorsHeader.checkedLength(length, file, mutated.length);
                SafetensorsHeader header = SafetensorsHeader.parse(Arrays.copyOfRange(mutated, 8, 8 + checked), file,
                        mutated.length);
                long next = 0;
                for (SafetensorsHeader.Entry entry : header.tensors().values()) {
                    assertEquals(next, entry.begin());
                    next += entry.info().byteSize();
                }
                assertEquals(mutated.length - 8 - length, next);
                if (++accepted % 100 == 0) {
                    Files.write(file, mutated);
                    try (SafetensorsFile read = SafetensorsFile.open(file)) {
                        assertEquals(header.tensors().keySet(), read.names());
                        read.names().forEach(read::tensor);
                    }
                }
            } catch (UserError e) {
                assertFalse(e.getMessage().isBlank());
            }
        }
        assertTrue(accepted > 1000 && accepted < 45_000, "both outcomes were tried: " + accepted);
    }

    private static byte[] mutate(byte[] good, Random random) {
        byte[] bytes = good.clone();
        for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(4)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) "0123456789-{}[],:\"eE. \u0000".charAt(random.nextInt(23));
                case 2 -> bytes = Arrays.copyOf(bytes, at);
                default -> bytes[at] = bytes[random.nextInt(bytes.length)];
            }
            if (bytes.length == 0) {
                return bytes;
            }
        }
        return bytes;
    }

    @Test
    void recordsCheckAndCompare() {
        assertThrows(IllegalArgumentException.class,
                () -> new TensorData(DType.F32, new long[] {2}, MemorySegment.ofArray(new byte[7])));
        assertThrows(IllegalArgumentException.class, () -> new TensorInfo(DType.U8, new long[] {-1}));
        assertThrows(IllegalArgumentException.class, () -> new TensorInfo(DType.F64, new long[] {1L << 60}));
        assertEquals(new TensorInfo(DType.F32, new long[] {2, 3}), new TensorInfo(DType.F32, new long[] {2, 3}));
        assertNotEquals(new TensorInfo(DType.F32, new long[] {2, 3}), new TensorInfo(DType.F32, new long[] {3, 2}));
        assertEquals(6, new TensorInfo(DType.BF16, new long[] {2, 3}).elements());
        assertThrows(IllegalArgumentException.class, () -> bytes(Map.of("__metadata__", floats(1)), Map.of()));
    }

    private static TensorData floats(float... values) {
        return new TensorData(DType.F32, new long[] {values.length}, MemorySegment.ofArray(values));
    }

    private static Map<String, TensorData> ordered(String a, MemorySegment first, String b, MemorySegment second) {
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        tensors.put(a, new TensorData(DType.F32, new long[] {first.byteSize() / 4}, first));
        tensors.put(b, new TensorData(DType.F32, new long[] {second.byteSize() / 4}, second));
        return tensors;
    }

    private static byte[] bytes(Map<String, TensorData> tensors, Map<String, String> metadata) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SafetensorsWriter.write(Channels.newChannel(out), tensors, metadata);
        return out.toByteArray();
    }

    private Path file(String header, byte[] data) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return Files.write(folder.resolve("t.safetensors"), concat(concat(length(json.length), json), data));
    }

    private static byte[] length(long header) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header).array();
    }

    private static byte[] concat(byte[] a, byte[] b) {
        return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
    }

    private List<Path> list() throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }
}
