package org.airelab.checkpoint;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Json;

/**
 * Writes the safetensors format: eight bytes of header length (little-endian), a JSON header padded with spaces to a
 * multiple of eight, and the tensors' bytes without gaps. Tensors with larger elements come first and otherwise keep
 * the order given, so that every tensor starts at a multiple of its element size and can be used where it is mapped.
 * The same tensors always give the same bytes.
 *
 * <p>The format: <a href="https://github.com/huggingface/safetensors#format">huggingface/safetensors</a>.
 */
public final class SafetensorsWriter {
    static final String METADATA = "__metadata__";
    private static final int PIECE_BYTES = 4 << 20;

    private SafetensorsWriter() {
    }

    /** Writes a file that is whole or, when anything fails, as it was before. */
    public static void write(Path file, Map<String, TensorData> tensors, Map<String, String> metadata)
            throws IOException {
        AtomicFiles.write(file, temporary -> {
            try (FileChannel out = FileChannel.open(temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING)) {
                write(out, tensors, metadata);
            }
        });
    }

    /** Writes tensors that lie in memory. */
    public static void write(WritableByteChannel out, Map<String, TensorData> tensors, Map<String, String> metadata)
            throws IOException {
        Map<String, TensorInfo> infos = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> infos.put(name, tensor.info()));
        write(out, infos, metadata, name -> tensors.get(name).data());
    }

    /**
     * Writes tensors that are fetched one at a time, as from a device whose memory is larger than the host's.
     *
     * @param tensors names, types and shapes
     * @param data    called once a tensor, in the order of the file; the memory it returns is written before the
     *                next call
     */
    public static void write(WritableByteChannel out, Map<String, TensorInfo> tensors, Map<String, String> metadata,
            Function<String, MemorySegment> data) throws IOException {
        List<Map.Entry<String, TensorInfo>> ordered = ordered(tensors);
        writeFully(out, ByteBuffer.wrap(header(ordered, metadata)));
        for (Map.Entry<String, TensorInfo> tensor : ordered) {
            MemorySegment bytes = data.apply(tensor.getKey());
            if (bytes.byteSize() != tensor.getValue().byteSize()) {
                throw new IllegalArgumentException("expected " + tensor.getValue().byteSize() + " bytes for tensor "
                        + tensor.getKey() + " " + tensor.getValue() + ", found " + bytes.byteSize());
            }
            writePieces(out, bytes);
        }
    }

    /**
     * Writes all of a file but the tensors' bytes, for those to be written into their places by whoever has them.
     *
     * @return where each tensor's bytes begin in the file
     */
    public static Map<String, Long> writeFrame(FileChannel out, Map<String, TensorInfo> tensors) throws IOException {
        List<Map.Entry<String, TensorInfo>> ordered = ordered(tensors);
        byte[] header = header(ordered, Map.of());
        writeFully(out, ByteBuffer.wrap(header));
        Map<String, Long> places = places(ordered, header.length);
        // The last byte: the file has its size from the start.
        Map.Entry<String, TensorInfo> last = ordered.getLast();
        out.write(ByteBuffer.allocate(1), places.get(last.getKey()) + last.getValue().byteSize() - 1);
        return places;
    }

    /** Where each tensor's bytes begin in the file that {@link #writeFrame} makes of the same tensors. */
    public static Map<String, Long> places(Map<String, TensorInfo> tensors) throws IOException {
        List<Map.Entry<String, TensorInfo>> ordered = ordered(tensors);
        return places(ordered, header(ordered, Map.of()).length);
    }

    private static Map<String, Long> places(List<Map.Entry<String, TensorInfo>> ordered, long begin) {
        Map<String, Long> places = new LinkedHashMap<>();
        long next = begin;
        for (Map.Entry<String, TensorInfo> tensor : ordered) {
            places.put(tensor.getKey(), next);
            next += tensor.getValue().byteSize();
        }
        return places;
    }

    private static List<Map.Entry<String, TensorInfo>> ordered(Map<String, TensorInfo> tensors) {
        List<Map.Entry<String, TensorInfo>> ordered = new ArrayList<>(tensors.entrySet());
        ordered.sort(Comparator.comparingInt(entry -> -entry.getValue().dtype().bytes()));
        return ordered;
    }

    private static void writePieces(WritableByteChannel out, MemorySegment bytes) throws IOException {
        // Java arrays other than byte[] have no buffer view, and every array would be copied by the channel anyway.
        ByteBuffer copy = bytes.isNative() ? null
                : ByteBuffer.allocateDirect((int) Math.min(PIECE_BYTES, bytes.byteSize()));
        for (long at = 0; at < bytes.byteSize(); at += PIECE_BYTES) {
            MemorySegment piece = bytes.asSlice(at, Math.min(PIECE_BYTES, bytes.byteSize() - at));
            if (copy == null) {
                writeFully(out, piece.asByteBuffer());
            } else {
                MemorySegment.ofBuffer(copy.clear().limit((int) piece.byteSize())).copyFrom(piece);
                writeFully(out, copy);
            }
        }
    }

    private static byte[] header(List<Map.Entry<String, TensorInfo>> ordered, Map<String, String> metadata)
            throws IOException {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        try (JsonGenerator json = Json.MAPPER.createGenerator(header)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writePOJOField(METADATA, new TreeMap<>(metadata));
            }
            long begin = 0;
            for (Map.Entry<String, TensorInfo> tensor : ordered) {
                long end = Math.addExact(begin, tensor.getValue().byteSize());
                writeEntry(json, tensor.getKey(), tensor.getValue(), begin, end);
                begin = end;
            }
            json.writeEndObject();
        }
        int length = Math.ceilDiv(header.size(), 8) * 8;
        ByteBuffer padded = ByteBuffer.allocate(8 + length).order(ByteOrder.LITTLE_ENDIAN);
        padded.putLong(length).put(header.toByteArray());
        while (padded.hasRemaining()) {
            padded.put((byte) ' ');
        }
        return padded.array();
    }

    private static void writeEntry(JsonGenerator json, String name, TensorInfo tensor, long begin, long end)
            throws IOException {
        if (name.equals(METADATA)) {
            throw new IllegalArgumentException("expected a tensor's name, found the reserved " + METADATA);
        }
        long[] shape = tensor.shape();
        json.writeObjectFieldStart(name);
        json.writeStringField("dtype", tensor.dtype().name());
        json.writeFieldName("shape");
        json.writeArray(shape, 0, shape.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {begin, end}, 0, 2);
        json.writeEndObject();
    }

    private static void writeFully(WritableByteChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
