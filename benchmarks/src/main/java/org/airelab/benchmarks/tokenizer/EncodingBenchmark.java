package org.airelab.benchmarks.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.airelab.tokenizer.Tokenizer;
import org.openjdk.jmh.annotations.AuxCounters;
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
import org.openjdk.jmh.infra.Blackhole;

/** Text to ids with GPT-2's vocabulary, on one thread; {@code megabytes} is the throughput in MB/s. */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class EncodingBenchmark {
    /** Where the texts are. */
    @Param("../shared/data")
    public String data;

    private String text;
    private byte[] utf8;
    private Tokenizer lab;
    private HuggingFaceTokenizer huggingFace;

    /** Bytes of text encoded, in units of a million. */
    @AuxCounters
    @State(Scope.Thread)
    public static class Rate {
        /** Counted by the benchmarks, divided by the time by JMH. */
        public double megabytes;
    }

    /** Loads the text and both tokenizers, and makes sure they agree. */
    @Setup
    public void load() throws IOException {
        var texts = new BenchmarkTexts(data);
        text = Files.readString(texts.stories());
        utf8 = text.getBytes(StandardCharsets.UTF_8);
        lab = texts.gpt2();
        Path file = Files.createTempFile("tokenizer", ".json");
        try {
            lab.save(file);
            huggingFace = HuggingFaceTokenizer.newInstance(file, Map.of("addSpecialTokens", "false",
                    "truncation", "false", "padding", "false"));
        } finally {
            Files.deleteIfExists(file);
        }
        long[] ids = Arrays.stream(lab.encode(text)).asLongStream().toArray();
        if (!Arrays.equals(huggingFace.encode(text).getIds(), ids)) {
            throw new IllegalStateException("the two give different ids");
        }
    }

    /** Releases the native library's memory. */
    @TearDown
    public void close() {
        huggingFace.close();
    }

    /** {@link Tokenizer#encode(CharSequence)}, the cache of pieces warm as in any long text. */
    @Benchmark
    public int[] lab(Rate rate) {
        rate.megabytes += utf8.length * 1e-6;
        return lab.encode(text);
    }

    /** {@link Tokenizer#encode(java.io.InputStream, java.util.function.IntConsumer)}. */
    @Benchmark
    public void labStreaming(Rate rate, Blackhole blackhole) throws IOException {
        rate.megabytes += utf8.length * 1e-6;
        lab.encode(new ByteArrayInputStream(utf8), blackhole::consume);
    }

    /** Hugging Face's library through DJL; its tokenizer caches pieces, too. */
    @Benchmark
    public long[] huggingFace(Rate rate) {
        rate.megabytes += utf8.length * 1e-6;
        return huggingFace.encode(text).getIds();
    }
}
