package org.airelab.generate;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.airelab.base.UserError;
import org.airelab.tokenizer.Tokenizer;
import picocli.CommandLine.Option;

/** Where the text to continue comes from, for picocli's {@code @ArgGroup}. */
final class PromptOptions {
    @Option(names = "--prompt", paramLabel = "TEXT",
            description = "The text to continue; empty (default) starts a new document.")
    private String text = "";

    @Option(names = "--prompt-file", paramLabel = "FILE",
            description = "A file with the text to continue, in UTF-8; - for standard input.")
    private Path file;

    /** The text. */
    String read() throws IOException {
        if (file == null) {
            return text;
        }
        byte[] bytes = file.toString().equals("-") ? System.in.readAllBytes() : Files.readAllBytes(file);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw UserError.badInput("The prompt in " + file + " is not UTF-8.", "Convert it, for example with iconv.",
                    e);
        }
    }

    /** A text's tokens; an empty text starts after the end of another. */
    static int[] tokens(Tokenizer tokenizer, String text) {
        if (!text.isEmpty()) {
            return tokenizer.encode(text);
        }
        int start = tokenizer.specialId(Tokenizer.END_OF_TEXT).orElseThrow(() -> UserError.badInput(
                "The prompt is empty and the model's tokenizer has no " + Tokenizer.END_OF_TEXT + " to start from.",
                "Give a text to continue with --prompt."));
        return new int[] {start};
    }
}
