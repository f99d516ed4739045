package org.airelab.kernels.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Compiled kernels in files, for all processes of a user. A file is the cubin and the SHA-256 of its key and content:
 * one that was cut short or changed is made anew. Whoever comes first makes an entry while the others wait; where
 * files cannot be locked or written, only the time to compile is lost.
 */
final class CubinCache {
    private static final int DIGEST_BYTES = 32;
    /** Threads of this process: a file lock belongs to the process as a whole. */
    private static final Map<Long, ReentrantLock> THREADS = new ConcurrentHashMap<>();

    private final Path folder;
    private FileChannel locks;

    CubinCache(Path folder) {
        this.folder = folder;
    }

    /**
     * The user's cache: {@code cubin} in the lab's cache folder, which is {@code $XDG_CACHE_HOME/aire-lab}, by default
     * {@code ~/.cache/aire-lab}, or what the system property {@code lab.cache} names.
     */
    static CubinCache ofUser() {
        String property = System.getProperty("lab.cache");
        String cache = System.getenv("XDG_CACHE_HOME");
        Path parent = cache == null || !Path.of(cache).isAbsolute()
                ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return new CubinCache((property != null ? Path.of(property) : parent.resolve("aire-lab")).resolve("cubin"));
    }

    /** SHA-256 of texts, as a key: none of them can run into the next. */
    static String key(String... parts) {
        MessageDigest digest = sha256();
        for (String part : parts) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The entry of a key, made by {@code compiler} where there is none or a broken one. */
    byte[] get(String key, Supplier<byte[]> compiler) {
        return read(key).orElseGet(() -> make(key, compiler));
    }

    private byte[] make(String key, Supplier<byte[]> compiler) {
        // One byte of the lock file for each key, as far as 16 bits tell them apart.
        long position = Long.parseLong(key.substring(0, 4), 16);
        ReentrantLock threads = THREADS.computeIfAbsent(position, _ -> new ReentrantLock());
        threads.lock();
        Optional<FileLock> processes = lock(position);
        try {
            return read(key).orElseGet(() -> {
                byte[] cubin = compiler.get();
                put(key, cubin);
                return cubin;
            });
        } finally {
            processes.ifPresent(CubinCache::release);
            threads.unlock();
        }
    }

    /** Locks a byte of the lock file; empty where the file system does not let us. */
    private Optional<FileLock> lock(long position) {
        try {
            return Optional.of(lockFile().lock(position, 1, false));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Stays open: closing any channel of a file would free all of this process's locks on it. */
    private synchronized FileChannel lockFile() throws IOException {
        if (locks == null) {
            Files.createDirectories(folder);
            locks = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        }
        return locks;
    }

    private static void release(FileLock lock) {
        try {
            lock.release();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path file(String key) {
        return folder.resolve(key + ".cubin");
    }

    private Optional<byte[]> read(String key) {
        try {
            byte[] content = Files.readAllBytes(file(key));
            int length = content.length - DIGEST_BYTES;
            if (length <= 0) {
                return Optional.empty();
            }
            byte[] cubin = Arrays.copyOf(content, length);
            byte[] digest = Arrays.copyOfRange(content, length, content.length);
            return Arrays.equals(digest, digest(key, cubin)) ? Optional.of(cubin) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Makes an entry, or replaces it. */
    void put(String key, byte[] cubin) {
        try {
            Files.createDirectories(folder);
            Path temporary = Files.createTempFile(folder, ".", ".tmp");
            try {
                byte[] content = Arrays.copyOf(cubin, cubin.length + DIGEST_BYTES);
                System.arraycopy(digest(key, cubin), 0, content, cubin.length, DIGEST_BYTES);
                Files.write(temporary, content);
                Files.move(temporary, file(key), StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(temporary);
            }
        } catch (IOException e) {
            // Without the entry the next process compiles again.
        }
    }

    private static byte[] digest(String key, byte[] cubin) {
        MessageDigest digest = sha256();
        digest.update(key.getBytes(StandardCharsets.US_ASCII));
        return digest.digest(cubin);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
