package org.airelab.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardWriterTest {
    @TempDir
    private Path folder;

    /** RFC 3720, appendix B.4; then masked as crc32c.h says: ((crc >> 15) | (crc << 17)) + 0xa282ead8. */
    @Test
    void checksumsOfTheRfcMasked() {
        byte[] ones = new byte[32];
        Arrays.fill(ones, (byte) 0xFF);
        byte[] ascending = new byte[32];
        for (int i = 0; i < 32; i++) {
            ascending[i] = (byte) i;
        }
        assertEquals(masked(0x8A9136AAL), TfRecord.maskedCrc(new byte[32], 0, 32));
        assertEquals(masked(0x62A8AB43L), TfRecord.maskedCrc(ones, 0, 32));
        assertEquals(masked(0x46DD794EL), TfRecord.maskedCrc(ascending, 0, 32));
        assertEquals(masked(0xE3069283L), TfRecord.maskedCrc("x123456789".getBytes(StandardCharsets.US_ASCII), 1, 9));
    }

    private static int masked(long crc) {
        return (int) (((crc >>> 15 | crc << 17) & 0xFFFFFFFFL) + 0xA282EAD8L);
    }

    /** The example of protobuf.dev's encoding page, and values of several bytes. */
    @Test
    void wireFormatOfTheDocumentation() {
        assertEquals("089601", hex(new ProtobufWriter().varint(1, 150)));
        assertEquals("120774657374696e67", hex(new ProtobufWriter().text(2, "testing")));
        assertEquals("1a03089601", hex(new ProtobufWriter().message(3, new ProtobufWriter().varint(1, 150))));
        assertEquals("08ffffffffffffffffff01", hex(new ProtobufWriter().varint(1, -1)));
        assertEquals("0d0000c03f", hex(new ProtobufWriter().fixed32(1, 1.5f)));
        assertEquals("09000000000000f83f", hex(new ProtobufWriter().fixed64(1, 1.5)));
        assertEquals("800100", hex(new ProtobufWriter().varint(16, 0)));
    }

    private static String hex(ProtobufWriter writer) {
        return HexFormat.of().formatHex(writer.toByteArray());
    }

    @Test
    void eventsAreFramedAndComplete() throws IOException {
        try (TensorBoardWriter events = TensorBoardWriter.create(folder)) {
            events.scalar("train/loss", 300, 2.5);
            events.text("samples", 300, "Once upon a time \u20ac");
            assertEquals(4, records(files().getFirst()).size(), "written without closing");
        }
        Path file = files().getFirst();
        assertTrue(file.getFileName().toString().matches("events\\.out\\.tfevents\\.\\d{10}\\..*"), file.toString());
        List<String> records = records(file);
        assertTrue(records.get(0).startsWith("09") && records.get(0).endsWith("1a0d627261696e2e4576656e743a32"),
                "the version comes first");
        // step 0; session_log { status: START }
        assertTrue(records.get(1).endsWith("10003a020801"), records.get(1));
        // step 300; summary { value { tag: "train/loss" simple_value: 2.5 } }
        assertTrue(records.get(2).endsWith("10ac022a130a110a0a747261696e2f6c6f73731500002040"), records.get(2));
        // tensor { dtype: DT_STRING string_val }, metadata { plugin_data { plugin_name: "text" } }
        assertTrue(records.get(3).contains("0807" + "4214" + hexOf("Once upon a time \u20ac")), records.get(3));
        assertTrue(records.get(3).endsWith("4a08" + "0a06" + "0a04" + hexOf("text")), records.get(3));
    }

    @Test
    void resumingForgetsTheStepsToRepeat() throws IOException {
        TensorBoardWriter.create(folder).close();
        TensorBoardWriter.resume(folder, 100).close();
        assertEquals(2, files().size());
        // step 101; session_log { status: START }
        assertTrue(records(files().getLast()).get(1).endsWith("10653a020801"));
    }

    @Test
    void whatCannotBeWrittenIsTheMachinesFault() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        assertEquals(UserError.MACHINE,
                assertThrows(UserError.class, () -> TensorBoardWriter.create(file.resolve("x"))).exitCode());
        assertFalse(Files.exists(file.resolve("x")));
    }

    /** Takes the frames apart, checking both checksums with the JDK's CRC-32C. */
    private static List<String> records(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<String> records = new ArrayList<>();
        while (bytes.hasRemaining()) {
            byte[] length = new byte[8];
            bytes.get(length);
            assertEquals(masked(crc(length)), bytes.getInt());
            byte[] data = new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
            bytes.get(data);
            assertEquals(masked(crc(data)), bytes.getInt());
            records.add(HexFormat.of().formatHex(data));
        }
        return records;
    }

    private static long crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return crc.getValue();
    }

    private static String hexOf(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    private List<Path> files() throws IOException {
        try (var files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
