package org.airelab.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;

/** Writes the tokens of one split into shards of equal length (the last one is shorter). */
final class ShardWriter implements AutoCloseable {
    /** Tokens a shard: 128 MB of uint16. */
    static final long SHARD_TOKENS = 1L << 26;

    private final Path folder;
    private final Split split;
    private final TokenType type;
    private final long shardTokens;
    private final List<DatasetManifest.Shard> shards = new ArrayList<>();
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
    private FileChannel channel;
    private MessageDigest digest;
    private long tokensInShard;
    private long tokens;

    ShardWriter(Path folder, Split split, TokenType type, long shardTokens) {
        this.folder = folder;
        this.split = split;
        this.type = type;
        this.shardTokens = shardTokens;
    }

    /** Appends the first {@code count} of {@code ids}. */
    void write(int[] ids, int count) {
        for (int i = 0; i < count; i++) {
            if (channel == null || tokensInShard == shardTokens) {
                finishShard();
                startShard();
            }
            if (buffer.remaining() < type.bytes()) {
                flush();
            }
            if (type == TokenType.UINT16) {
                buffer.putShort((short) ids[i]);
            } else {
                buffer.putInt(ids[i]);
            }
            tokensInShard++;
        }
        tokens += count;
    }

    /** Tokens written so far. */
    long tokens() {
        return tokens;
    }

    /** Forces the last shard to the disk and returns all. */
    List<DatasetManifest.Shard> finish() {
        finishShard();
        return List.copyOf(shards);
    }

    private Path file() {
        return folder.resolve(String.format(Locale.ROOT, "%s-%05d.bin", split, shards.size()));
    }

    private void startShard() {
        try {
            channel = FileChannel.open(file(), StandardOpenOption.WRITE, StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING);
        } catch (IOException e) {
            throw cannotWrite(e);
        }
        digest = Hashes.sha256();
        tokensInShard = 0;
    }

    private void finishShard() {
        if (channel == null) {
            return;
        }
        flush();
        try {
            channel.force(true);
            channel.close();
        } catch (IOException e) {
            throw cannotWrite(e);
        }
        channel = null;
        shards.add(new DatasetManifest.Shard(file().getFileName().toString(), tokensInShard,
                tokensInShard * type.bytes(), Hashes.hex(digest)));
    }

    private void flush() {
        buffer.flip();
        digest.update(buffer.array(), 0, buffer.limit());
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw cannotWrite(e);
        }
        buffer.clear();
    }

    private UserError cannotWrite(IOException e) {
        return UserError.machine("cannot write the token shard " + file() + ": " + e.getMessage(),
                "Free some space there, or choose another folder with --out.", e);
    }

    /** Releases the file of a shard that was not finished. */
    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
