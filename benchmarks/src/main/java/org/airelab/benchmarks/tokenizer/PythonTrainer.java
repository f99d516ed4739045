package org.airelab.benchmarks.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.airelab.tokenizer.Tokenizer;

/** Hugging Face's trainer in a Python process that lives as long as this; asking it costs well below 0.1 ms. */
final class PythonTrainer implements AutoCloseable {
    private static final String PROGRAM = """
            import sys
            from tokenizers import Tokenizer, models, pre_tokenizers, trainers
            file, size, special = sys.argv[1], int(sys.argv[2]), sys.argv[3]
            print("ready", flush=True)
            for line in sys.stdin:
                tokenizer = Tokenizer(models.BPE())
                tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
                tokenizer.train([file], trainers.BpeTrainer(vocab_size=size, special_tokens=[special],
                    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
                print(tokenizer.get_vocab_size(), flush=True)
            """;

    private final Process process;
    private final Writer commands;
    private final BufferedReader answers;
    private final int vocabularySize;

    PythonTrainer(String python, Path text, int vocabularySize) throws IOException {
        this.vocabularySize = vocabularySize;
        process = new ProcessBuilder(python, "-c", PROGRAM, text.toString(), Integer.toString(vocabularySize),
                Tokenizer.END_OF_TEXT).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        commands = process.outputWriter(StandardCharsets.UTF_8);
        answers = process.inputReader(StandardCharsets.UTF_8);
        if (!"ready".equals(answers.readLine())) {
            throw new IllegalStateException(python
                    + " has no module tokenizers; name one that has it with -p python=...");
        }
    }

    /** Trains once and returns the size of the vocabulary. */
    int train() throws IOException {
        commands.write("train\n");
        commands.flush();
        String answer = answers.readLine();
        if (!Integer.toString(vocabularySize).equals(answer)) {
            throw new IllegalStateException("expected a vocabulary of " + vocabularySize + ", found " + answer);
        }
        return vocabularySize;
    }

    @Override
    public void close() {
        process.destroy();
    }
}
