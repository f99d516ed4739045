package org.airelab.tokenizer;

import java.util.Arrays;
import java.util.Optional;

/**
 * GPT-2's printable alphabet: one character for every byte, so that tokens of arbitrary bytes can be written in
 * JSON and in {@code merges.txt}. A byte that prints in Latin-1 is itself, the other 68 are U+0100 and up in
 * their order; a space is {@code U+0120} (openai/gpt-2, {@code src/encoder.py}, {@code bytes_to_unicode}).
 */
final class ByteAlphabet {
    private static final char[] CHARACTER_OF = new char[256];
    private static final int[] BYTE_OF = new int[0x100 + 68];
    private static final byte[] ORDER = new byte[256];

    static {
        Arrays.fill(BYTE_OF, -1);
        int printable = 0;
        int others = 0;
        for (int b = 0; b < 256; b++) {
            boolean prints = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            CHARACTER_OF[b] = (char) (prints ? b : 0x100 + others++);
            BYTE_OF[CHARACTER_OF[b]] = b;
            if (prints) {
                ORDER[printable++] = (byte) b;
            }
        }
        for (int i = 0; i < others; i++) {
            ORDER[printable + i] = (byte) BYTE_OF[0x100 + i];
        }
    }

    private ByteAlphabet() {
    }

    /** The byte that has the given id, 0 to 255, in GPT-2's vocabulary: by its character in this alphabet. */
    static byte byteOf(int id) {
        return ORDER[id];
    }

    /** The bytes in this alphabet. */
    static String print(byte[] bytes) {
        char[] characters = new char[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            characters[i] = CHARACTER_OF[bytes[i] & 0xFF];
        }
        return new String(characters);
    }

    /** The bytes a text in this alphabet stands for; empty when a character is not of the alphabet. */
    static Optional<byte[]> parse(String text) {
        byte[] bytes = new byte[text.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = text.charAt(i);
            if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
                return Optional.empty();
            }
            bytes[i] = (byte) BYTE_OF[c];
        }
        return Optional.of(bytes);
    }
}
