package org.airelab.tokenizer;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.airelab.base.UserError;

/** Token ids from a stream: decimal numbers with white space between them, or a NumPy array of integers. */
abstract sealed class IdSource {
    /** What {@link #next} returns after the last id. */
    static final int END = -1;

    private static final byte[] NPY_MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

    final InputStream in;
    final String source;

    private IdSource(InputStream in, String source) {
        this.in = in;
        this.source = source;
    }

    /** Tells the two forms apart by the first bytes. */
    static IdSource of(BufferedInputStream in, String source) throws IOException {
        in.mark(NPY_MAGIC.length);
        byte[] start = in.readNBytes(NPY_MAGIC.length);
        in.reset();
        return Arrays.equals(start, NPY_MAGIC) ? new Npy(in, source) : new Decimal(in, source);
    }

    /** The next id, 0 or more, or {@link #END}. */
    abstract int next() throws IOException;

    final UserError bad(String what) {
        return UserError.badInput(source + ": " + what,
                "Give ids separated by spaces, or a NumPy array of them, as lab tokenizer encode writes.");
    }

    /** Decimal numbers. */
    private static final class Decimal extends IdSource {
        private long read;

        Decimal(InputStream in, String source) {
            super(in, source);
        }

        @Override
        int next() throws IOException {
            int c = read();
            while (isSpace(c)) {
                c = read();
            }
            if (c < 0) {
                return END;
            }
            long id = 0;
            for (; c >= 0 && !isSpace(c); c = read()) {
                if (c < '0' || c > '9') {
                    throw bad("byte " + (read - 1) + " is " + describe(c) + ", which is no digit of a token id");
                }
                id = id * 10 + c - '0';
                if (id > Integer.MAX_VALUE) {
                    throw bad("the token id that ends at byte " + (read - 1) + " is above " + Integer.MAX_VALUE);
                }
            }
            return (int) id;
        }

        private int read() throws IOException {
            read++;
            return in.read();
        }

        private static boolean isSpace(int c) {
            return c == ' ' || c >= '\t' && c <= '\r';
        }

        private static String describe(int c) {
            return c > ' ' && c < 0x7F ? "'" + (char) c + "'" : "0x" + Integer.toHexString(c);
        }
    }

    /** numpy.lib.format: magic, version, the length of the header, the header (a Python literal), elements. */
    private static final class Npy extends IdSource {
        private static final Pattern DESCRIPTOR = Pattern.compile("'descr': *'([<|]([iu])([1248]))'");
        private static final Pattern SHAPE = Pattern.compile("'shape': *\\(([0-9, ]*)\\)");

        private final int elementBytes;
        private final boolean signed;
        private long left;

        Npy(InputStream in, String source) throws IOException {
            super(in, source);
            byte[] preamble = in.readNBytes(8);
            int lengthBytes = preamble.length < 8 ? 0 : preamble[6] == 1 ? 2 : 4;
            byte[] length = in.readNBytes(lengthBytes);
            String header = length.length < lengthBytes ? "" : new String(
                    in.readNBytes((int) Math.min(1 << 20, little(length))), StandardCharsets.ISO_8859_1);
            Matcher descriptor = DESCRIPTOR.matcher(header);
            Matcher shape = SHAPE.matcher(header);
            if (!descriptor.find() || !shape.find() || header.contains("'fortran_order': True")) {
                throw bad("the NumPy array has the header '" + header.strip()
                        + "', but only little-endian integers in C order are token ids");
            }
            signed = descriptor.group(2).equals("i");
            elementBytes = Integer.parseInt(descriptor.group(3));
            left = elements(shape.group(1));
        }

        private long elements(String shape) {
            long elements = 1;
            try {
                for (String dimension : shape.split(",")) {
                    elements = dimension.isBlank() ? elements
                            : Math.multiplyExact(elements, Long.parseLong(dimension.strip()));
                }
            } catch (NumberFormatException | ArithmeticException e) {
                throw bad("the NumPy array has the shape (" + shape + "), which is none");
            }
            return elements;
        }

        @Override
        int next() throws IOException {
            if (left == 0) {
                return END;
            }
            byte[] element = in.readNBytes(elementBytes);
            if (element.length < elementBytes) {
                throw bad("the NumPy array is cut short, " + left + " of its elements are missing");
            }
            left--;
            long id = little(element);
            if (signed && element[elementBytes - 1] < 0 || id < 0 || id > Integer.MAX_VALUE) {
                throw bad("a token id is negative or above " + Integer.MAX_VALUE);
            }
            return (int) id;
        }

        private static long little(byte[] bytes) {
            long value = 0;
            for (int i = bytes.length - 1; i >= 0; i--) {
                value = value << 8 | bytes[i] & 0xFF;
            }
            return value;
        }
    }
}
