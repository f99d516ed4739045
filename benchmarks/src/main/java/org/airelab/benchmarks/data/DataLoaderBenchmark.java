package org.airelab.benchmarks.data;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.airelab.data.DataLoader;
import org.airelab.data.DatasetManifest;
import org.airelab.data.Split;
import org.airelab.data.TokenBatch;
import org.airelab.data.TokenDataset;
import org.airelab.data.TokenType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Training tokens a second from {@link DataLoader}: batches of 16 windows of 512 tokens, in random places of 67 million
 * tokens (more than the processor's caches hold) in the page cache. The score is tokens a second.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DataLoaderBenchmark {
    private static final int BATCH = 16;
    private static final int CONTEXT = 512;
    private static final int TOKENS_A_BATCH = BATCH * CONTEXT;
    private static final long TOKENS = 1L << 26;

    /** How a token is stored. */
    @Param({"UINT16", "UINT32"})
    private TokenType dtype;

    private Path folder;
    private TokenDataset dataset;
    private DataLoader loader;
    private long sample;

    /** Writes random tokens. */
    @Setup(Level.Trial)
    public void prepare() throws IOException {
        folder = Files.createTempDirectory("lab-data-loader");
        var random = new Random(1);
        byte[] block = new byte[1 << 20];
        long bytes = TOKENS * dtype.bytes();
        try (OutputStream out = Files.newOutputStream(folder.resolve("train.bin"))) {
            for (long written = 0; written < bytes; written += block.length) {
                random.nextBytes(block);
                out.write(block);
            }
        }
        var split = new DatasetManifest.SplitManifest(TOKENS, 1, 4 * TOKENS,
                List.of(new DatasetManifest.Shard("train.bin", TOKENS, bytes, "")));
        new DatasetManifest(DatasetManifest.FORMAT_VERSION, "", "random", null, "", "", 1 << 16, 0, dtype, split, split,
                0, null).write(folder);
        dataset = TokenDataset.open(folder, Split.TRAIN);
        loader = new DataLoader(dataset, CONTEXT, 1);
        loader.prefetch(0, BATCH, BATCH);
    }

    /** Removes them. */
    @TearDown(Level.Trial)
    public void remove() throws IOException {
        loader.close();
        dataset.close();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** In the caller's thread, while the prefetching thread waits with its batches full. */
    @Benchmark
    @OperationsPerInvocation(TOKENS_A_BATCH)
    public TokenBatch batch() {
        sample += BATCH;
        return loader.batch(sample, BATCH);
    }

    /** From the prefetching thread. */
    @Benchmark
    @OperationsPerInvocation(TOKENS_A_BATCH)
    public TokenBatch prefetched() {
        return loader.next();
    }
}
