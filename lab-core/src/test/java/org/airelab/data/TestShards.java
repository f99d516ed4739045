package org.airelab.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Prepared folders of any tokens, made without a tokenizer. */
final class TestShards {
    static final int END_OF_TEXT = 0;

    private TestShards() {
    }

    /** Writes the same tokens as both splits. */
    static void write(Path folder, int vocabularySize, long shardTokens, int... tokens) throws IOException {
        write(folder, vocabularySize, shardTokens, tokens, tokens);
    }

    static void write(Path folder, int vocabularySize, long shardTokens, int[] train, int[] validation)
            throws IOException {
        Files.createDirectories(folder);
        TokenType type = TokenType.of(vocabularySize);
        new DatasetManifest(DatasetManifest.FORMAT_VERSION, "key", "test", null, "source", "tokenizer", vocabularySize,
                END_OF_TEXT, type, split(folder, Split.TRAIN, type, shardTokens, train),
                split(folder, Split.VALIDATION, type, shardTokens, validation), 0, null).write(folder);
    }

    private static DatasetManifest.SplitManifest split(Path folder, Split split, TokenType type, long shardTokens,
            int[] tokens) throws IOException {
        List<DatasetManifest.Shard> shards;
        try (var writer = new ShardWriter(folder, split, type, shardTokens)) {
            int half = tokens.length / 2;
            writer.write(tokens, half);
            writer.write(java.util.Arrays.copyOfRange(tokens, half, tokens.length), tokens.length - half);
            shards = writer.finish();
        }
        long documents = java.util.stream.IntStream.of(tokens).filter(token -> token == END_OF_TEXT).count();
        return new DatasetManifest.SplitManifest(tokens.length, documents, 4L * tokens.length, shards);
    }

    /** The tokens 0, 1, 2 ... of a large vocabulary: a token is its position. */
    static TokenDataset positions(Path folder, int count) throws IOException {
        write(folder, Math.max(count, 1), 1 << 20, java.util.stream.IntStream.range(0, count).toArray());
        return TokenDataset.open(folder, Split.TRAIN);
    }
}
