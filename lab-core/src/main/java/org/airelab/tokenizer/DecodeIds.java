package org.airelab.tokenizer;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.airelab.base.AtomicFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lab tokenizer decode}. */
@Command(name = "decode", description = {"Turn token ids into text.",
    "Takes what encode writes: ids separated by white space, or a NumPy array. What is not UTF-8 is shown as U+FFFD."},
        footer = {"  lab tokenizer decode --tokenizer tokenizer.json story.npy",
            "  echo 7454 2402 257 640 | lab tokenizer decode --tokenizer gpt2.json"})
final class DecodeIds implements Callable<Integer> {
    @Option(names = "--tokenizer", required = true, paramLabel = "FILE", description = "A tokenizer.json.")
    private Path tokenizerJson;

    @Parameters(arity = "0..1", paramLabel = "INPUT", description = "A file of ids (default: standard input).")
    private Path input;

    @Option(names = "--out", paramLabel = "FILE", description = "Where to write (default: standard output).")
    private Path out;

    @Override
    public Integer call() throws IOException {
        Tokenizer tokenizer = InputFiles.tokenizer(tokenizerJson);
        try (var in = new BufferedInputStream(InputFiles.open(input), 1 << 16)) {
            String source = input == null ? "standard input" : input.toString();
            var bytes = new TokenBytes(tokenizer, IdSource.of(in, source));
            var text = new InputStreamReader(bytes, StandardCharsets.UTF_8);
            if (out != null) {
                AtomicFiles.write(out, temporary -> {
                    try (Writer writer = Files.newBufferedWriter(temporary)) {
                        text.transferTo(writer);
                    }
                });
            } else {
                var writer = new OutputStreamWriter(System.out, StandardCharsets.UTF_8);
                text.transferTo(writer);
                writer.flush();
            }
        }
        return 0;
    }

    /** The bytes of a stream of ids. */
    private static final class TokenBytes extends InputStream {
        private final Tokenizer tokenizer;
        private final IdSource ids;
        private byte[] token = {};
        private int at;

        TokenBytes(Tokenizer tokenizer, IdSource ids) {
            this.tokenizer = tokenizer;
            this.ids = ids;
        }

        @Override
        public int read() throws IOException {
            return advance() ? token[at++] & 0xFF : -1;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int done = 0;
            while (done < length && advance()) {
                int count = Math.min(length - done, token.length - at);
                System.arraycopy(token, at, target, offset + done, count);
                at += count;
                done += count;
            }
            return done > 0 || length == 0 ? done : -1;
        }

        private boolean advance() throws IOException {
            while (at == token.length) {
                int id = ids.next();
                if (id == IdSource.END) {
                    return false;
                }
                token = tokenizer.bytes(id);
                at = 0;
            }
            return true;
        }
    }
}
