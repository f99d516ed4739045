package org.airelab.benchmarks.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.airelab.tokenizer.BpeTrainer;
import org.airelab.tokenizer.Tokenizer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Training a vocabulary on a file, from its opening to the finished tokenizer, each with as many threads as the
 * machine has processors.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class TrainingBenchmark {
    /** What is trained. */
    @State(Scope.Benchmark)
    public static class Task {
        /** Where the texts are. */
        @Param("../shared/data")
        public String data;

        /** The size of the vocabulary to learn. */
        @Param("4096")
        public int vocabularySize;

        Path stories;

        /** Finds the text. */
        @Setup
        public void find() {
            stories = new BenchmarkTexts(data).stories();
        }
    }

    /** A Python process that trains on command. */
    @State(Scope.Benchmark)
    public static class Peer {
        /** A Python that has {@code tokenizers}. */
        @Param("python3")
        public String python;

        private PythonTrainer trainer;

        /** Starts the process. */
        @Setup
        public void start(Task task) throws IOException {
            trainer = new PythonTrainer(python, task.stories, task.vocabularySize);
        }

        /** Ends the process. */
        @TearDown
        public void stop() {
            trainer.close();
        }
    }

    /** {@link BpeTrainer}. */
    @Benchmark
    public Tokenizer lab(Task task) throws IOException {
        return new BpeTrainer(task.vocabularySize, List.of(Tokenizer.END_OF_TEXT)).train(List.of(task.stories));
    }

    /** Hugging Face's library: its binding for Java cannot train, its binding for Python can. */
    @Benchmark
    public int huggingFace(Peer peer) throws IOException {
        return peer.trainer.train();
    }
}
