package org.airelab.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Locale;
import org.airelab.base.AtomicFiles;
import org.airelab.base.FileLocks;
import org.airelab.base.Hashes;
import org.airelab.base.Progress;
import org.airelab.base.UserError;

/**
 * One file fetched over HTTP. What has arrived is kept in a {@code .part} file, so a broken connection or a killed
 * process costs nothing: the next attempt asks for the rest (RFC 9110, section 14). The file gets its name only when
 * its size, and its SHA-256 where the server tells it, are right.
 */
final class Download {
    /** Attempts in a row that bring no byte. */
    private static final int ATTEMPTS = 5;

    private final URI uri;
    private final Path target;
    /** The longest silence of the server, and the pause after the first failed attempt; it doubles with each. */
    private final Duration patience;
    private final Duration pause;

    Download(URI uri, Path target) {
        this(uri, target, Duration.ofSeconds(30), Duration.ofSeconds(1));
    }

    Download(URI uri, Path target, Duration patience, Duration pause) {
        this.uri = uri;
        this.target = target;
        this.patience = patience;
        this.pause = pause;
    }

    /**
     * Makes sure the file is there; asks no server if it is.
     *
     * @throws UserError if the server cannot be reached or refuses, or what came is not what it promised
     */
    void run() throws IOException {
        if (Files.exists(target)) {
            return;
        }
        FileLocks.holding(target.resolveSibling("." + target.getFileName() + ".lock"), () -> {
            if (!Files.exists(target)) {
                try (var server = new FileServer(uri, patience, advice())) {
                    fetch(server);
                }
            }
            return target;
        });
    }

    private void fetch(FileServer server) throws IOException {
        RemoteFile remote = ask(server);
        Path part = target.resolveSibling(target.getFileName() + remote.partSuffix());
        if (!remote.resumable()) {
            Files.deleteIfExists(part);
        }
        requireSpace(remote, part);
        try (Progress progress = Progress.on("downloading " + target.getFileName(), remote.size(), "bytes")) {
            progress.begin(size(part));
            transfer(server, remote, part, progress);
        }
        check(remote, part);
        AtomicFiles.force(part);
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    }

    private RemoteFile ask(FileServer server) {
        try {
            return server.ask();
        } catch (IOException e) {
            String reason = e instanceof HttpTimeoutException ? "no answer within " + patience.toSeconds() + " s"
                    : e instanceof ConnectException ? "no connection" : e.toString();
            throw UserError.machine("cannot download " + target.getFileName() + ": " + uri.getHost()
                    + " does not answer (" + reason + ")", advice(), e);
        }
    }

    private String advice() {
        return "Try again when this machine is online (what has arrived is kept), put the file at " + target
                + " yourself, or use text of your own with text:PATH.";
    }

    private void requireSpace(RemoteFile remote, Path part) throws IOException {
        long missing = remote.size() - size(part);
        long free = Files.getFileStore(target.toAbsolutePath().getParent()).getUsableSpace();
        if (missing > free) {
            throw UserError.machine(String.format(Locale.ROOT, "%s needs %,d bytes more in %s, where %,d are free",
                    target.getFileName(), missing, target.getParent(), free),
                    "Free some space, or set XDG_CACHE_HOME to a folder elsewhere.");
        }
    }

    private static long size(Path part) throws IOException {
        return Files.exists(part) ? Files.size(part) : 0;
    }

    private void transfer(FileServer server, RemoteFile remote, Path part, Progress progress) throws IOException {
        int failures = 0;
        while (true) {
            long before = size(part);
            if (remote.size() > 0 && before >= remote.size()) {
                return;
            }
            IOException failure = new IOException("the server sent less than it announced");
            try {
                if (attempt(server, part, before, progress) && remote.size() == 0) {
                    return;
                }
            } catch (IOException e) {
                failure = e;
            }
            failures = size(part) > before ? 0 : failures + 1;
            if (failures == ATTEMPTS) {
                throw UserError.machine("the download of " + target.getFileName() + " from " + uri.getHost()
                        + " keeps breaking off: " + failure.getMessage(), advice(), failure);
            }
            if (remote.size() == 0 || size(part) < remote.size()) {
                sleep(pause.multipliedBy(1L << failures));
            }
        }
    }

    /** Asks for all from byte {@code have} on and appends what comes; true when the server's answer was complete. */
    private boolean attempt(FileServer server, Path part, long have, Progress progress) throws IOException {
        HttpResponse<InputStream> response = server.get(have);
        try (InputStream body = response.body()) {
            boolean rest = response.statusCode() == 206 && response.headers().firstValue("Content-Range")
                    .filter(range -> range.startsWith("bytes " + have + "-")).isPresent();
            if (!rest && response.statusCode() != 200) {
                // 416, or another range than asked for: begin anew.
                Files.deleteIfExists(part);
                return false;
            }
            try (FileChannel out = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    Watchdog watchdog = new Watchdog(body, patience)) {
                out.truncate(rest ? have : 0);
                out.position(out.size());
                copy(body, out, part, progress, watchdog);
            }
        }
        return true;
    }

    private static void copy(InputStream body, FileChannel out, Path part, Progress progress, Watchdog watchdog)
            throws IOException {
        byte[] block = new byte[1 << 16];
        for (int n; (n = body.read(block)) >= 0; ) {
            watchdog.alive();
            ByteBuffer bytes = ByteBuffer.wrap(block, 0, n);
            try {
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
            } catch (IOException e) {
                throw UserError.machine("cannot write " + part + ": " + e.getMessage(),
                        "Free some space, or set XDG_CACHE_HOME to a folder elsewhere.", e);
            }
            progress.update(out.position());
        }
    }

    private void check(RemoteFile remote, Path part) throws IOException {
        long size = Files.size(part);
        String hash = remote.sha256() == null ? null : Hashes.sha256(part);
        if (remote.size() > 0 && size != remote.size() || hash != null && !hash.equals(remote.sha256())) {
            Files.delete(part);
            throw UserError.machine("the download of " + target.getFileName() + " is damaged: " + size
                    + " bytes with SHA-256 " + hash + "; the server promised " + remote.size() + " bytes with "
                    + remote.sha256(), "Try again; what had arrived was deleted.");
        }
    }

    private static void sleep(Duration duration) throws IOException {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
