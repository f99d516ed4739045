package org.airelab.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.airelab.base.UserError;

/** The documents of one file after another, no more than one of them in memory. */
final class DocumentReader implements Iterator<String>, AutoCloseable {
    /** Ends a document. */
    static final String SEPARATOR = "<|endoftext|>";
    /** The longest document of a file without separators. */
    static final int PIECE_BYTES = 16 << 10;
    /** The longest document between separators; a longer one is cut like a file without them. */
    static final int DOCUMENT_BYTES = 64 << 20;

    private static final byte[] SEPARATOR_BYTES = SEPARATOR.getBytes(StandardCharsets.UTF_8);

    private final Iterator<Path> files;
    private Path file;
    private InputStream in;
    private int limit;
    private byte[] buffer = new byte[1 << 20];
    /** The unread bytes are {@code buffer[from .. to - 1]}; the first of them is byte {@code offset} of the file. */
    private int from;
    private int to;
    private long offset;
    /** No separator begins before this place in the buffer. */
    private int searched;
    private boolean endOfFile = true;
    private String next;

    DocumentReader(List<Path> files) {
        this.files = files.iterator();
    }

    @Override
    public boolean hasNext() {
        try {
            while (next == null && (!endOfFile || to > from || files.hasNext())) {
                if (endOfFile && to == from) {
                    open(files.next());
                }
                next = read();
            }
            return next != null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        String document = next;
        next = null;
        return document;
    }

    private void open(Path path) throws IOException {
        closeFile();
        file = path;
        limit = hasSeparator(path) ? DOCUMENT_BYTES : PIECE_BYTES;
        in = Files.newInputStream(path);
        offset = 0;
        endOfFile = false;
    }

    private static boolean hasSeparator(Path path) throws IOException {
        int overlap = SEPARATOR_BYTES.length - 1;
        byte[] block = new byte[overlap + (1 << 20)];
        try (InputStream in = Files.newInputStream(path)) {
            int kept = 0;
            for (int n; (n = in.read(block, kept, block.length - kept)) > 0; ) {
                int end = kept + n;
                if (indexOfSeparator(block, 0, end) >= 0) {
                    return true;
                }
                kept = Math.min(overlap, end);
                System.arraycopy(block, end - kept, block, 0, kept);
            }
        }
        return false;
    }

    /** The next document of the open file, or null if it was empty or none was left. */
    private String read() throws IOException {
        while (!endOfFile || to > from) {
            int end = indexOfSeparator(buffer, Math.max(from, searched), to);
            searched = end >= 0 ? end : Math.max(from, to - SEPARATOR_BYTES.length + 1);
            if (end >= 0 && end - from <= limit) {
                return take(end, SEPARATOR_BYTES.length);
            }
            if (to - from > limit + SEPARATOR_BYTES.length) {
                return take(cut(from + limit), 0);
            }
            if (endOfFile) {
                return take(to, 0);
            }
            fill();
        }
        return null;
    }

    private void fill() throws IOException {
        if (from > 0) {
            System.arraycopy(buffer, from, buffer, 0, to - from);
            to -= from;
            searched -= from;
            from = 0;
        }
        if (to == buffer.length) {
            buffer = Arrays.copyOf(buffer, buffer.length * 2);
        }
        int n = in.read(buffer, to, buffer.length - to);
        to += Math.max(n, 0);
        endOfFile = n < 0;
    }

    /** The text up to {@code end}, or null if it is empty; {@code skip} bytes after it are dropped. */
    private String take(int end, int skip) {
        String document = decode(end).strip();
        offset += end + skip - from;
        from = end + skip;
        return document.isEmpty() ? null : document;
    }

    private String decode(int end) {
        String text = new String(buffer, from, end - from, StandardCharsets.UTF_8);
        if (text.indexOf('\0') >= 0) {
            int zero = from;
            while (buffer[zero] != 0) {
                zero++;
            }
            throw notText("a zero byte", zero);
        }
        if (text.indexOf('\uFFFD') >= 0) {
            ByteBuffer bytes = ByteBuffer.wrap(buffer, from, end - from);
            try {
                StandardCharsets.UTF_8.newDecoder().decode(bytes);
            } catch (CharacterCodingException e) {
                throw notText("bytes that are not UTF-8", bytes.position());
            }
        }
        return text;
    }

    private UserError notText(String what, int where) {
        return UserError.badInput("the file " + file + " has " + what + " at byte " + (offset + where - from),
                "Give plain UTF-8 text: unpack the file, or convert it with iconv.");
    }

    /** Where to end a document by {@code last}: after a blank line, else a line, else a word, else a character. */
    private int cut(int last) {
        int least = from + limit / 2;
        int end = lastAfter("\n\n", least, last);
        end = end > 0 ? end : lastAfter("\n", least, last);
        end = end > 0 ? end : lastAfter(" ", least, last);
        if (end > 0) {
            return end;
        }
        end = last;
        while (end > last - 3 && (buffer[end] & 0xC0) == 0x80) {
            end--;
        }
        return end;
    }

    private int lastAfter(String ascii, int least, int last) {
        byte[] bytes = ascii.getBytes(StandardCharsets.US_ASCII);
        for (int i = last; i >= least; i--) {
            if (Arrays.equals(buffer, i - bytes.length, i, bytes, 0, bytes.length)) {
                return i;
            }
        }
        return -1;
    }

    private static int indexOfSeparator(byte[] bytes, int from, int to) {
        for (int i = from; i <= to - SEPARATOR_BYTES.length; i++) {
            if (bytes[i] == '<' && Arrays.equals(bytes, i, i + SEPARATOR_BYTES.length, SEPARATOR_BYTES, 0,
                    SEPARATOR_BYTES.length)) {
                return i;
            }
        }
        return -1;
    }

    private void closeFile() throws IOException {
        if (in != null) {
            in.close();
            in = null;
        }
    }

    @Override
    public void close() {
        try {
            closeFile();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
