package org.airelab.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/**
 * A safetensors header, trusted only after every one of the format's rules has been checked: names are unique, every
 * entry has a known type, a shape and offsets that fit it, and the entries cover the data without gap or overlap.
 *
 * @param tensors   entries in the order of their data
 * @param metadata  free-form text, in the file's order
 * @param dataStart where the data begin in the file, in bytes
 */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata, long dataStart) {
    /** The format's own limit, so that a broken length cannot make a reader allocate without bound. */
    static final int MAX_HEADER_BYTES = 100_000_000;

    /** A tensor and where its data begin, in bytes from {@link #dataStart}. */
    record Entry(TensorInfo info, long begin) {
    }

    /** Checks the header's length, the file's first eight bytes. */
    static int checkedLength(long length, Path file, long fileSize) {
        if (length < 0 || length > MAX_HEADER_BYTES) {
            throw malformed(file, "its header length is " + Long.toUnsignedString(length) + " bytes and "
                    + MAX_HEADER_BYTES + " are allowed");
        }
        if (length > fileSize - 8) {
            throw malformed(file, "its header should have " + length + " bytes and the file ends after "
                    + (fileSize - 8));
        }
        return (int) length;
    }

    /** Reads and checks the header's JSON. */
    static SafetensorsHeader parse(byte[] json, Path file, long fileSize) {
        JsonNode root = tree(json, file);
        List<Map.Entry<String, Entry>> entries = new ArrayList<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (field.getKey().equals(SafetensorsWriter.METADATA)) {
                readMetadata(field.getValue(), metadata, file);
            } else {
                entries.add(Map.entry(field.getKey(), entry(field.getKey(), field.getValue(), file)));
            }
        }
        // Empty tensors share their offset with the tensor that follows, so they must sort before it.
        entries.sort(Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
                .thenComparingLong(e -> e.getValue().info().byteSize()));
        long dataStart = 8L + json.length;
        Map<String, Entry> tensors = new LinkedHashMap<>();
        long next = 0;
        for (Map.Entry<String, Entry> entry : entries) {
            if (entry.getValue().begin() != next) {
                throw malformed(file, "tensor " + entry.getKey() + " begins at byte " + entry.getValue().begin()
                        + " and byte " + next + " is next");
            }
            next += entry.getValue().info().byteSize();
            tensors.put(entry.getKey(), entry.getValue());
        }
        if (next != fileSize - dataStart) {
            throw malformed(file, "its tensors take " + next + " bytes and the file holds " + (fileSize - dataStart));
        }
        return new SafetensorsHeader(Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(metadata),
                dataStart);
    }

    /** The error every broken rule ends in. */
    static UserError malformed(Path file, String rule) {
        return UserError.badInput(file + " is not a whole safetensors file: " + rule + ".",
                "Copy or download the file again, or use another checkpoint.");
    }

    private static JsonNode tree(byte[] json, Path file) {
        try {
            // Jackson would take UTF-16 and a byte order mark; the format is UTF-8 and starts with a brace.
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
            if (!text.startsWith("{")) {
                throw malformed(file, "its header does not begin with {");
            }
            return Json.MAPPER.readTree(text);
        } catch (CharacterCodingException e) {
            throw malformed(file, "its header is not UTF-8");
        } catch (JsonProcessingException e) {
            throw malformed(file, "its header is not JSON (" + e.getOriginalMessage().lines().findFirst().orElse("")
                    + ")");
        }
    }

    private static void readMetadata(JsonNode node, Map<String, String> metadata, Path file) {
        if (!node.isObject()) {
            throw malformed(file, SafetensorsWriter.METADATA + " is " + node.getNodeType() + " and must be an object");
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!field.getValue().isTextual()) {
                throw malformed(file, SafetensorsWriter.METADATA + "." + field.getKey() + " is no string");
            }
            metadata.put(field.getKey(), field.getValue().textValue());
        }
    }

    private static Entry entry(String name, JsonNode node, Path file) {
        JsonNode dtype = node.path("dtype");
        if (!node.isObject() || node.size() != 3 || !dtype.isTextual()) {
            throw malformed(file, "tensor " + name + " must have exactly dtype, shape and data_offsets");
        }
        DType type = Arrays.stream(DType.values()).filter(t -> t.name().equals(dtype.textValue())).findAny()
                .orElseThrow(() -> malformed(file, "tensor " + name + " has dtype " + dtype.textValue()
                        + " and " + Arrays.toString(DType.values()) + " are read"));
        long[] shape = longs(name, "shape", node, file);
        long[] offsets = longs(name, "data_offsets", node, file);
        TensorInfo info;
        try {
            info = new TensorInfo(type, shape);
        } catch (IllegalArgumentException e) {
            throw malformed(file, "tensor " + name + ": " + e.getMessage());
        }
        if (offsets.length != 2 || offsets[1] - offsets[0] != info.byteSize()) {
            throw malformed(file, "tensor " + name + " " + info + " takes " + info.byteSize()
                    + " bytes and has data_offsets " + Arrays.toString(offsets));
        }
        return new Entry(info, offsets[0]);
    }

    private static long[] longs(String name, String field, JsonNode node, Path file) {
        JsonNode array = node.path(field);
        if (!array.isArray()) {
            throw malformed(file, "tensor " + name + " has no list " + field);
        }
        long[] values = new long[array.size()];
        for (int i = 0; i < values.length; i++) {
            JsonNode value = array.get(i);
            if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
                throw malformed(file, "tensor " + name + " has " + field + " " + array + " and non-negative whole "
                        + "numbers below 2^63 are allowed");
            }
            values[i] = value.longValue();
        }
        return values;
    }
}
