package org.airelab.tokenizer;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.airelab.base.AtomicFiles;
import org.airelab.base.NpyWriter;
import org.airelab.base.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lab tokenizer encode}. */
@Command(name = "encode", description = {"Turn text into token ids.",
    "The text is streamed and may be larger than memory. Bytes that are not UTF-8 are encoded as they are."},
        footer = {"  lab tokenizer encode --tokenizer tokenizer.json story.txt",
            "  lab tokenizer encode --tokenizer gpt2.json t.txt --format npy --out t.npy"})
final class EncodeText implements Callable<Integer> {
    /** What ids are written as. */
    enum Format { ids, npy }

    private static final int LARGEST_UINT16 = 0xFFFF;

    @Option(names = "--tokenizer", required = true, paramLabel = "FILE", description = "A tokenizer.json.")
    private Path tokenizerJson;

    @Parameters(arity = "0..1", paramLabel = "INPUT", description = "A text file in UTF-8 (default: standard input).")
    private Path input;

    @Option(names = "--format", paramLabel = "FORMAT", description = "ids: separated by spaces, on one line; npy: a "
            + "NumPy array, uint16 or for vocabularies above 65536 int32 (default: ${DEFAULT-VALUE}).")
    private Format format = Format.ids;

    @Option(names = "--out", paramLabel = "FILE", description = "Where to write (default: standard output).")
    private Path out;

    @Override
    public Integer call() throws IOException {
        if (format == Format.npy && out == null) {
            throw UserError.badInput("--format npy needs a file, for an array's length stands at its start",
                    "Give --out FILE.");
        }
        Tokenizer tokenizer = InputFiles.tokenizer(tokenizerJson);
        try (InputStream in = InputFiles.open(input)) {
            if (format == Format.npy) {
                AtomicFiles.write(out, temporary -> writeNpy(tokenizer, in, temporary));
            } else if (out != null) {
                AtomicFiles.write(out, temporary -> {
                    try (Writer writer = Files.newBufferedWriter(temporary)) {
                        writeText(tokenizer, in, writer);
                    }
                });
            } else {
                var writer = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 16);
                writeText(tokenizer, in, writer);
                writer.flush();
            }
        }
        return 0;
    }

    private static void writeText(Tokenizer tokenizer, InputStream in, Writer writer) throws IOException {
        boolean[] begun = {false};
        tokenizer.encode(in, id -> {
            try {
                if (begun[0]) {
                    writer.write(' ');
                }
                begun[0] = true;
                writer.write(Integer.toString(id));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        writer.write(System.lineSeparator());
    }

    private static void writeNpy(Tokenizer tokenizer, InputStream in, Path file) throws IOException {
        var type = tokenizer.vocabularySize() - 1 <= LARGEST_UINT16 ? NpyWriter.Type.UINT16 : NpyWriter.Type.INT32;
        try (var npy = NpyWriter.create(file, type, NpyWriter.UNKNOWN_ROWS)) {
            tokenizer.encode(in, id -> {
                try {
                    npy.write(id);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
