package org.airelab.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.security.MessageDigest;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.airelab.base.Hashes;

/**
 * Passes bytes on and computes their SHA-256 on another thread meanwhile, so that the slower of the two sets the
 * pace and not their sum. The bytes are copied first: the caller's memory may be confined to its thread.
 */
final class HashingChannel implements WritableByteChannel {
    private static final int PIECE_BYTES = 1 << 20;

    private final WritableByteChannel out;
    private final ExecutorService hasher;
    private final MessageDigest digest = Hashes.sha256();
    private final byte[][] pieces = new byte[2][PIECE_BYTES];
    private final Future<?>[] hashing = new Future<?>[2];
    private int current;
    private int filled;
    private long size;

    /** @param hasher a single thread: pieces are hashed in the order they are submitted */
    HashingChannel(WritableByteChannel out, ExecutorService hasher) {
        this.out = out;
        this.hasher = hasher;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
        int length = source.remaining();
        while (source.hasRemaining()) {
            int count = Math.min(source.remaining(), PIECE_BYTES - filled);
            ByteBuffer piece = source.slice(source.position(), count);
            source.get(pieces[current], filled, count);
            filled += count;
            if (filled == PIECE_BYTES) {
                hashPiece();
            }
            while (piece.hasRemaining()) {
                out.write(piece);
            }
        }
        size += length;
        return length;
    }

    /** What was written in all; nothing may be written afterwards. */
    Marker.StoredFile finish() {
        hashPiece();
        await(current ^ 1);
        return new Marker.StoredFile(size, Hashes.hex(digest));
    }

    private void hashPiece() {
        byte[] piece = pieces[current];
        int length = filled;
        hashing[current] = hasher.submit(() -> digest.update(piece, 0, length));
        current ^= 1;
        filled = 0;
        await(current);
    }

    private void await(int piece) {
        if (hashing[piece] == null) {
            return;
        }
        boolean interrupted = false;
        while (true) {
            try {
                hashing[piece].get();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                throw new AssertionError("hashing bytes in memory cannot fail", e);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isOpen() {
        return out.isOpen();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
