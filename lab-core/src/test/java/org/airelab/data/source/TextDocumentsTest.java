package org.airelab.data.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextDocumentsTest {
    @TempDir
    private Path folder;

    private List<String> documents(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("text.txt"), text);
        return documents(file);
    }

    private static List<String> documents(Path path) throws IOException {
        try (Stream<String> stream = new TextDocuments(path).stream()) {
            return stream.toList();
        }
    }

    @Test
    void documentsEndAtTheSeparator() throws IOException {
        assertEquals(List.of("one", "two\nlines", "three"),
                documents("one<|endoftext|>\n\ntwo\nlines \n<|endoftext|><|endoftext|> \n <|endoftext|>three"));
        assertEquals(List.of("one"), documents("\none\n<|endoftext|>\n"));
        assertEquals(List.of("<|endoftext", "|>x < <| y"), documents("<|endoftext<|endoftext|>|>x < <| y"));
        assertEquals(List.of("short text without separator"), documents("short text without separator\n"));
    }

    /** Separators, and characters of several bytes, fall on every place relative to the blocks that are read. */
    @ParameterizedTest
    @ValueSource(ints = {-30, -14, -13, -12, -7, -1, 0, 1, 5})
    void blockBordersCutNothing(int shift) throws IOException {
        String first = "é".repeat(((1 << 20) + shift) / 2) + "x".repeat(shift & 1);
        String second = "日本語 🙂 ".repeat(200_000).strip();
        List<String> expected = List.of(first, second, "end");
        assertEquals(expected, documents(String.join("<|endoftext|>", expected)));
    }

    @Test
    void aLongTextWithoutSeparatorIsCutAtBlankLines() throws IOException {
        String text = IntStream.range(0, 5000).mapToObj(i -> "Speaker " + i + ":\nSome words, more words.\n")
                .collect(Collectors.joining("\n"));
        List<String> pieces = documents(text);
        assertEquals(text.strip(), String.join("\n\n", pieces));
        for (String piece : pieces) {
            assertTrue(piece.length() <= DocumentReader.PIECE_BYTES && piece.startsWith("Speaker "));
        }
        assertTrue(pieces.size() <= text.length() / 16_000 + 2, pieces.size() + " pieces");
    }

    @Test
    void withoutBlankLinesItIsCutAtLinesThenWordsThenCharacters() throws IOException {
        String lines = "a line of words\n".repeat(5000);
        assertEquals(lines.strip(), String.join("\n", documents(lines)));
        String words = "word ".repeat(20_000);
        assertEquals(words.strip(), String.join(" ", documents(words)));
        for (String unbroken : List.of("日".repeat(20_000), "🙂".repeat(20_000), "xé".repeat(20_000),
                "x".repeat(50_000))) {
            List<String> pieces = documents(unbroken);
            assertEquals(unbroken, String.join("", pieces));
            assertTrue(pieces.size() > 2);
        }
    }

    @Test
    void foldersAreReadInTheOrderOfTheirPaths() throws IOException {
        Files.createDirectories(folder.resolve("data/b"));
        Files.writeString(folder.resolve("data/c.txt"), "c");
        Files.writeString(folder.resolve("data/b/2.txt"), "b2<|endoftext|>b2'");
        Files.writeString(folder.resolve("data/b/1.txt"), "b1");
        Files.writeString(folder.resolve("data/B.txt"), "B");
        Files.writeString(folder.resolve("data/a.txt"), "");
        Files.writeString(folder.resolve("data/a.md"), "not this");
        assertEquals(List.of("B", "b1", "b2", "b2'", "c"), documents(folder.resolve("data")));
        assertEquals(11, new TextDocuments(folder.resolve("data")).bytes() - "<|endoftext|>".length() + 2);
    }

    @Test
    void linksAreFollowed() throws IOException {
        Path real = Files.createDirectories(folder.resolve("real/b"));
        Files.writeString(real.resolve("1.txt"), "b1");
        Files.writeString(folder.resolve("real/c.txt"), "c");
        Path root = Files.createSymbolicLink(folder.resolve("root"), Path.of("real"));
        assertEquals(List.of("b1", "c"), documents(root));
        assertEquals(new TextDocuments(folder.resolve("real")).hash(), new TextDocuments(root).hash());
        Path links = Files.createDirectories(folder.resolve("links"));
        Files.createSymbolicLink(links.resolve("a"), folder.resolve("real"));
        Files.createSymbolicLink(links.resolve("z.txt"), folder.resolve("real/c.txt"));
        assertEquals(List.of("b1", "c", "c"), documents(links));
        Path loop = Files.createSymbolicLink(real.resolve("loop"), folder.resolve("real"));
        var error = assertThrows(UserError.class, () -> documents(root));
        assertEquals("the folder " + root + " has no end: " + root.resolve("b/loop")
                + " is a link to a folder that it is in", error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        Files.delete(loop);
    }

    @Test
    void theHashIsOfContentsAndNames() throws IOException {
        Path one = Files.createDirectories(folder.resolve("one"));
        Path two = Files.createDirectories(folder.resolve("two"));
        for (Path place : List.of(one, two)) {
            Files.writeString(place.resolve("a.txt"), "A");
            Files.writeString(place.resolve("b.txt"), "B");
        }
        String hash = new TextDocuments(one).hash();
        assertEquals(hash, new TextDocuments(two).hash());
        Files.writeString(two.resolve("b.txt"), "C");
        assertNotEquals(hash, new TextDocuments(two).hash());
        Files.delete(two.resolve("b.txt"));
        Files.writeString(two.resolve("c.txt"), "B");
        assertNotEquals(hash, new TextDocuments(two).hash());
    }

    @Test
    void whatIsNoTextIsRefused() throws IOException {
        assertRefused(folder.resolve("none.txt"), "there is no file or folder");
        assertRefused(folder, "the folder holds no *.txt files");
        assertRefused(Files.writeString(folder.resolve("empty.txt"), ""), "0 bytes in all");
        assertRefused(Files.writeString(folder.resolve("blank.txt"), " \n<|endoftext|>\n"),
                "nothing but white space and separators");
        byte[] latin = "good<|endoftext|>caf\u00e9 au lait".getBytes(StandardCharsets.ISO_8859_1);
        assertRefused(Files.write(folder.resolve("latin.txt"), latin), "has bytes that are not UTF-8 at byte 20");
        assertRefused(Files.write(folder.resolve("zero.txt"), new byte[] {'a', 'b', 0, 'c'}),
                "has a zero byte at byte 2");
        // The replacement character itself is text.
        assertEquals(List.of("\uFFFD"), documents(Files.writeString(folder.resolve("fffd.txt"), "\uFFFD")));
    }

    private static void assertRefused(Path path, String message) {
        var error = assertThrows(UserError.class, () -> documents(path));
        assertTrue(error.getMessage().contains(message) && error.getMessage().contains(path.toString()),
                error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }
}
