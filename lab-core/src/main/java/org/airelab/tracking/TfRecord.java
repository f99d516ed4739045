package org.airelab.tracking;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * TensorFlow's record framing: length, its checksum, the data, their checksum; little-endian. The checksum is CRC-32C,
 * masked so that the checksum of data that hold a checksum stays good (tensorflow/core/lib/io/record_writer.h and
 * lib/hash/crc32c.h).
 */
final class TfRecord {
    private static final int MASK_DELTA = 0xA282EAD8;

    private TfRecord() {
    }

    /** A record ready to be written. */
    static ByteBuffer frame(byte[] data) {
        ByteBuffer record = ByteBuffer.allocate(data.length + 16).order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(data.length);
        record.putInt(maskedCrc(record.array(), 0, 8));
        record.put(data);
        record.putInt(maskedCrc(data, 0, data.length));
        return record.flip();
    }

    /** CRC-32C, rotated right by 15 bits, plus a constant. */
    static int maskedCrc(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset, length);
        return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
    }
}
