package org.airelab.tokenizer;

import java.util.random.RandomGenerator;

/** Texts that look for trouble. */
final class RandomTexts {
    private static final String[] PARTS = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'l", "'r", "''", "don't",
        " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u0085", "\u001c", "\u180e",
        "\u200b", "the", " the", "Once upon", "12", " 3", "\u0663", "\u00bd", "\u216b", ".", " ,", "...", "!?", "$",
        "<|", "|>", "<|endoftext|>", "<|endoftext", "\u00e9", "e\u0301", " \u00df", "\u4e2d\u6587", "\u3002",
        "\u0e2a\u0e27\u0e31", "\uD83D\uDE00",
        "\uD83D\uDC69\u200D\uD83D\uDC69\u200D\uD83D\uDC67", "\uD83C\uDDE9\uD83C\uDDEA", "\u2764\uFE0F",
        "\uD83E\uDEF6\uD83C\uDFFE", "\u0000", "\uFEFF", "\uFFFD", "_", "a_b", "\u02b0", "\uD835\uDC00", "\uD840\uDC00"};

    private RandomTexts() {
    }

    /** A text of {@code parts} parts: words, marks and single characters from everywhere in Unicode. */
    static String text(RandomGenerator random, int parts) {
        var text = new StringBuilder();
        for (int i = 0; i < parts; i++) {
            switch (random.nextInt(4)) {
                case 0 -> text.appendCodePoint(codePoint(random));
                case 1 -> text.append((char) random.nextInt(' ', 0x7F));
                default -> text.append(PARTS[random.nextInt(PARTS.length)]);
            }
        }
        return text.toString();
    }

    /** Bytes that are UTF-8 only in places. */
    static byte[] bytes(RandomGenerator random, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) switch (random.nextInt(4)) {
                case 0 -> random.nextInt(0x80, 0xC0);
                case 1 -> random.nextInt(0xC0, 0x100);
                case 2 -> " \nab1.'".charAt(random.nextInt(7));
                default -> random.nextInt(256);
            };
        }
        return bytes;
    }

    private static int codePoint(RandomGenerator random) {
        int[] limits = {0x100, 0x800, 0x3100, 0xD800, 0x20000, 0x110000};
        int codePoint = random.nextInt(limits[random.nextInt(limits.length)]);
        return codePoint >= 0xD800 && codePoint < 0xE000 ? '?' : codePoint;
    }
}
