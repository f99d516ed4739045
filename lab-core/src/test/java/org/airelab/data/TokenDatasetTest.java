package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenDatasetTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"65536, 2, 1000", "65536, 2, 37", "65537, 4, 37", "2147483647, 4, 999", "2, 2, 97", "1, 2, 1000000"})
    void everyRangeReadsWhatWasWrittenAcrossShards(int vocabularySize, int bytes, long shardTokens) throws IOException {
        var random = new Random(1);
        int[] tokens = random.ints(1000, 0, vocabularySize).toArray();
        tokens[0] = vocabularySize - 1;
        TestShards.write(folder, vocabularySize, shardTokens, tokens);
        try (TokenDataset dataset = TokenDataset.open(folder, Split.TRAIN)) {
            assertEquals(tokens.length, dataset.size());
            assertEquals(bytes, dataset.manifest().dtype().bytes());
            assertEquals((1000 + shardTokens - 1) / shardTokens, dataset.manifest().train().shards().size());
            for (int trial = 0; trial < 300; trial++) {
                int position = random.nextInt(tokens.length + 1);
                int length = random.nextInt(tokens.length + 1 - position);
                long[] target = new long[length + 5];
                Arrays.fill(target, -7);
                dataset.copy(position, length, target, 3);
                long[] expected = new long[length + 5];
                Arrays.fill(expected, -7);
                for (int i = 0; i < length; i++) {
                    expected[3 + i] = tokens[position + i];
                }
                assertArrayEquals(expected, target);
            }
        }
    }

    @Test
    void theBytesAreLittleEndianAsNumpyReadsThem() throws IOException {
        TestShards.write(folder, 0x10000, 100, 0x0102, 0xFFFE);
        assertArrayEquals(new byte[] {2, 1, -2, -1}, Files.readAllBytes(folder.resolve("train-00000.bin")));
        TestShards.write(folder.resolve("wide"), 0x7F000000, 100, 0x01020304, 5);
        assertArrayEquals(new byte[] {4, 3, 2, 1, 5, 0, 0, 0},
                Files.readAllBytes(folder.resolve("wide/train-00000.bin")));
    }

    @Test
    void positionsOutsideAreRefused() throws IOException {
        TestShards.write(folder, 10, 3, 1, 2, 3, 4);
        try (TokenDataset dataset = TokenDataset.open(folder, Split.TRAIN)) {
            long[] target = new long[10];
            assertThrows(IndexOutOfBoundsException.class, () -> dataset.copy(2, 3, target, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> dataset.copy(-1, 1, target, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> dataset.copy(Long.MAX_VALUE, 1, target, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> dataset.copy(0, 4, target, 7));
        }
    }

    @Test
    void aTruncatedOrMissingShardIsNamed() throws IOException {
        TestShards.write(folder, 10, 3, 1, 2, 3, 4, 5, 6, 7);
        Path shard = folder.resolve("train-00001.bin");
        Files.write(shard, Arrays.copyOf(Files.readAllBytes(shard), 5));
        assertRefused("the token shard " + shard + " has 5 bytes; its manifest says 6 (3 tokens)");
        Files.delete(shard);
        assertRefused("the token shard " + shard + " is missing");
        // The other split is whole.
        TokenDataset.open(folder, Split.VALIDATION).close();
    }

    @Test
    void aMissingOrDamagedManifestIsRefused() throws IOException {
        assertRefused(folder + " holds no prepared data: there is no manifest.json in it");
        TestShards.write(folder, 10, 3, 1, 2);
        Path manifest = folder.resolve("manifest.json");
        String json = Files.readString(manifest);
        Files.writeString(manifest, json.substring(0, json.length() / 2));
        assertRefused(manifest + " is damaged");
        Files.writeString(manifest, json.replace("\"format_version\": 2", "\"format_version\": 99"));
        assertRefused(manifest + " has format version 99; this program reads version 2");
        Files.writeString(manifest, json.replace("\"dtype\": \"uint16\"", "\"dtype\": \"float64\""));
        assertRefused(manifest + " is damaged");
        Files.writeString(manifest, json.replace("\"vocabulary_size\": 10,", ""));
        assertRefused(manifest + " is damaged");
        Files.writeString(manifest, "[]");
        assertRefused("format version 0");
        Files.writeString(manifest, "");
        assertRefused("format version 0");
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        bytes[json.indexOf("source") + 2] = (byte) 0xFF;
        Files.write(manifest, bytes);
        assertRefused(manifest + " is damaged: Invalid UTF-8");
        Files.write(manifest, new byte[] {0, 0, 0, '{', 0x7F, 0, 0, 1});
        assertRefused(manifest + " is damaged");
    }

    /** Whatever is changed in it: one digit, one letter, a value for null. */
    @Test
    void anAlteredManifestIsRefused() throws IOException {
        TestShards.write(folder, 10, 3, 1, 2, 0);
        Path manifest = folder.resolve("manifest.json");
        String json = Files.readString(manifest);
        for (String change : List.of("\"vocabulary_size\": 10|\"vocabulary_size\": 11",
                "\"removed_from_train\": 0|\"removed_from_train\": 1", "\"bytes\": 12,|\"bytes\": 13,",
                "\"source\"|\"sourcf\"", "\"content_sha256\"|\"content_sha512\"",
                "\"entropy\": null|\"entropy\": {\"floor\": 1, \"expected_story\": 1, \"expected_per_token\": 1}")) {
            String[] sides = change.split("\\|");
            assertTrue(json.contains(sides[0]), json);
            Files.writeString(manifest, json.replace(sides[0], sides[1]));
            assertRefused(manifest + " is damaged");
        }
        Files.writeString(manifest, json.replace("\n", "\r\n"));
        TokenDataset.open(folder, Split.TRAIN).close();
    }

    @Test
    void aManifestThatContradictsItselfIsRefused() throws IOException {
        TestShards.write(folder, 10, 3, 1, 2, 0);
        assertContradicts("\"train\": \\{.*?\\} \\]\\s*\\}", "\"train\": null", "a value is missing");
        assertContradicts("\"shards\": \\[.*?\\]", "\"shards\": null", "shards are missing");
        assertContradicts("\"shards\": \\[.*?\\]", "\"shards\": [null]", "shards are missing");
        assertContradicts("\"documents\": 1", "\"documents\": -1", "3 tokens, -1 documents and 12 bytes");
        assertContradicts("\"documents\": 1", "\"documents\": 4", "3 tokens, 4 documents and 12 bytes");
        assertContradicts("\"tokens\": 3,\\s*\"documents\"", "\"tokens\": 4, \"documents\"",
                "hold other than 4 tokens");
        assertContradicts("\"bytes\": 6", "\"bytes\": 7", "of 3 tokens of uint16 has 7 bytes");
        assertContradicts("\"end_of_text\": 0", "\"end_of_text\": 10", "10 is outside the vocabulary of 10");
        assertContradicts("\"vocabulary_size\": 10", "\"vocabulary_size\": 70000", "is not stored as uint16");
        assertContradicts("\"vocabulary_size\": 10", "\"vocabulary_size\": -1", "is not stored as uint16");
    }

    private void assertContradicts(String pattern, String replacement, String message) throws IOException {
        Path manifest = folder.resolve("manifest.json");
        String json = Files.readString(manifest);
        String other = Pattern.compile(pattern, Pattern.DOTALL).matcher(json).replaceFirst(replacement);
        assertNotEquals(json, other);
        Files.writeString(manifest, other);
        assertRefused(manifest + " is damaged: ");
        assertRefused(message);
        Files.writeString(manifest, json);
    }

    private void assertRefused(String message) {
        var error = assertThrows(UserError.class, () -> TokenDataset.open(folder, Split.TRAIN));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    @Test
    void aManifestReadsAsItWasWritten() throws IOException {
        TestShards.write(folder, 70_000, 3, 1, 2, 3, 0, 5);
        var manifest = DatasetManifest.read(folder);
        manifest.write(folder);
        assertEquals(manifest, DatasetManifest.read(folder));
        assertTrue(manifest.entropyFloor().isEmpty());
        var known = new DatasetManifest(2, "k", "s", "v", "h", "t", 90_000, 0, TokenType.UINT32, manifest.train(),
                manifest.validation(), 3, new DatasetManifest.Entropy(0.5, 50, 0.6));
        known.write(folder);
        assertEquals(known, DatasetManifest.read(folder));
        assertEquals(0.5, DatasetManifest.read(folder).entropyFloor().getAsDouble());
        assertEquals(4.0, known.bytesPerToken());
    }

    /** A device of Linux on which every write finds the disk full. */
    @Test
    void aFullDiskIsTold() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "skipped: this system has no /dev/full");
        Path link = Files.createSymbolicLink(folder.resolve("train-00000.bin"), full);
        try (var writer = new ShardWriter(folder, Split.TRAIN, TokenType.UINT16, 100)) {
            writer.write(new int[] {1, 2, 3}, 3);
            var error = assertThrows(UserError.class, writer::finish);
            assertEquals("cannot write the token shard " + link + ": No space left on device", error.getMessage());
            assertEquals(UserError.MACHINE, error.exitCode());
        }
        Files.delete(link);
    }
}
