package org.airelab.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;

/**
 * A safetensors file mapped into memory. Every tensor is a read-only slice of the mapping: nothing is copied, and
 * pages are read from the disk when they are touched. The slices are valid until {@link #close}. Safe to use from
 * several threads.
 */
public final class SafetensorsFile implements AutoCloseable {
    private final Path path;
    private final SafetensorsHeader header;
    private final Arena arena;
    private final MemorySegment data;

    private SafetensorsFile(Path path, SafetensorsHeader header, Arena arena, MemorySegment data) {
        this.path = path;
        this.header = header;
        this.arena = arena;
        this.data = data;
    }

    /**
     * Opens a file and checks its header completely.
     *
     * @throws UserError (bad input) when the file is missing, unreadable or not safetensors in every detail
     */
    public static SafetensorsFile open(Path path) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            SafetensorsHeader header = SafetensorsHeader.parse(readHeader(path, channel, size), path, size);
            Arena arena = Arena.ofShared();
            try {
                MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
                return new SafetensorsFile(path, header, arena, file.asSlice(header.dataStart()));
            } catch (IOException | RuntimeException e) {
                arena.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw UserError.badInput("There is no file " + path + ".", "Check the path.", e);
        } catch (IOException e) {
            throw UserError.badInput(path + " could not be read: " + IoReasons.of(e) + ".",
                    "Check that it is a readable safetensors file.", e);
        }
    }

    private static byte[] readHeader(Path path, FileChannel channel, long size) throws IOException {
        ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        readFully(channel, length, 0);
        if (length.hasRemaining()) {
            throw SafetensorsHeader.malformed(path, "it has " + size + " bytes and needs at least 8");
        }
        ByteBuffer json = ByteBuffer.allocate(SafetensorsHeader.checkedLength(length.getLong(0), path, size));
        readFully(channel, json, 8);
        return json.array();
    }

    private static void readFully(FileChannel channel, ByteBuffer into, long position) throws IOException {
        while (into.hasRemaining() && channel.read(into, position + into.position()) >= 0) {
            continue;
        }
    }

    /** Where the file is. */
    public Path path() {
        return path;
    }

    /** The tensors' names in the order of their data. */
    public Set<String> names() {
        return header.tensors().keySet();
    }

    /** The free-form text under {@code __metadata__}, in the file's order. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /** Type and shape of a tensor; bad input when there is none of that name. */
    public TensorInfo info(String name) {
        return entry(name).info();
    }

    /** A tensor over the file's own memory, read-only; bad input when there is none of that name. */
    public TensorData tensor(String name) {
        SafetensorsHeader.Entry entry = entry(name);
        return new TensorData(entry.info(), data.asSlice(entry.begin(), entry.info().byteSize()));
    }

    /** Unmaps the file: the tensors' memory must no longer be used. */
    @Override
    public void close() {
        arena.close();
    }

    private SafetensorsHeader.Entry entry(String name) {
        SafetensorsHeader.Entry entry = header.tensors().get(name);
        if (entry == null) {
            throw UserError.badInput(path + " holds no tensor " + name + " among its " + names().size() + ".",
                    "Check that the file belongs to this model.");
        }
        return entry;
    }
}
