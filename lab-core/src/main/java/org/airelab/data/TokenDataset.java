package org.airelab.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.airelab.base.UserError;

/** The tokens of one split, memory-mapped: opening reads nothing, and the operating system keeps what is in use. */
public final class TokenDataset implements AutoCloseable {
    private static final ValueLayout.OfShort UINT16 = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt UINT32 = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final DatasetManifest manifest;
    private final Split split;
    private final long size;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment[] shards;
    /** The position of each shard's first token. */
    private final long[] starts;

    private TokenDataset(DatasetManifest manifest, Split split) {
        this.manifest = manifest;
        this.split = split;
        List<DatasetManifest.Shard> files = manifest.split(split).shards();
        shards = new MemorySegment[files.size()];
        starts = new long[files.size()];
        long position = 0;
        for (int i = 0; i < starts.length; i++) {
            starts[i] = position;
            position += files.get(i).tokens();
        }
        size = position;
    }

    /**
     * Maps a split of a prepared folder.
     *
     * @throws UserError naming the shard that is missing or has not the size the manifest says
     */
    public static TokenDataset open(Path folder, Split split) throws IOException {
        var dataset = new TokenDataset(DatasetManifest.read(folder), split);
        try {
            List<DatasetManifest.Shard> files = dataset.manifest.split(split).shards();
            for (int i = 0; i < files.size(); i++) {
                dataset.shards[i] = dataset.map(folder.resolve(files.get(i).file()), files.get(i));
            }
            return dataset;
        } catch (UserError | IOException e) {
            dataset.close();
            throw e;
        }
    }

    private MemorySegment map(Path file, DatasetManifest.Shard shard) throws IOException {
        Optional<String> misfit = DatasetVerification.misfit(file, shard);
        if (misfit.isPresent()) {
            throw UserError.badInput(misfit.get(), DatasetVerification.advice(file.getParent()));
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, shard.bytes(), arena);
        }
    }

    /** Which documents these are. */
    public Split split() {
        return split;
    }

    /** Tokens in the split. */
    public long size() {
        return size;
    }

    /** What is known of the folder. */
    public DatasetManifest manifest() {
        return manifest;
    }

    /**
     * Copies tokens, across shards where they lie so.
     *
     * @param position the first token, from 0
     * @param length   how many; {@code position + length <= size()}
     * @param target   receives them from index {@code offset} on
     */
    public void copy(long position, int length, long[] target, int offset) {
        Objects.checkFromIndexSize(position, length, size);
        Objects.checkFromIndexSize(offset, length, target.length);
        int found = Arrays.binarySearch(starts, position);
        int shard = found >= 0 ? found : -found - 2;
        while (length > 0) {
            MemorySegment segment = shards[shard];
            long first = position - starts[shard];
            int count = (int) Math.min(length, segment.byteSize() / manifest.dtype().bytes() - first);
            if (manifest.dtype() == TokenType.UINT16) {
                copy16(segment, first, count, target, offset);
            } else {
                copy32(segment, first, count, target, offset);
            }
            position += count;
            offset += count;
            length -= count;
            shard++;
        }
    }

    private static void copy16(MemorySegment from, long first, int count, long[] target, int offset) {
        for (int i = 0; i < count; i++) {
            target[offset + i] = Short.toUnsignedLong(from.getAtIndex(UINT16, first + i));
        }
    }

    private static void copy32(MemorySegment from, long first, int count, long[] target, int offset) {
        for (int i = 0; i < count; i++) {
            target[offset + i] = Integer.toUnsignedLong(from.getAtIndex(UINT32, first + i));
        }
    }

    /** Unmaps the files. No other thread may be copying. */
    @Override
    public void close() {
        arena.close();
    }
}
