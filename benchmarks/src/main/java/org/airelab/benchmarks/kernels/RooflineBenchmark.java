package org.airelab.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Parallel;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The two limits of the roofline model (Williams, Waterman and Patterson, 2009) as this machine's cores reach them
 * together: bytes a second of a copy in memory, and float32 operations a second of fused multiply-adds in registers.
 * The score is the time of {@link #copiedBytes}, and of {@link #fmaFlops} on each core.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 100, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 10, time = 100, timeUnit = TimeUnit.MILLISECONDS)
public class RooflineBenchmark {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    /** Two units of a latency of up to five cycles are kept busy by ten sums; a core has at least 16 registers. */
    private static final int SUMS = 12;
    private static final int STEPS = 200_000;
    private static final long CHUNK = 1 << 20;
    private static final long LEAST_COPY = 64 << 20;
    private static final long MOST_COPY = 512 << 20;

    /** Twice the last-level cache for source and target each, kept for later visits: to touch it takes long. */
    private static final class Memory {
        static final MemorySegment FROM = Arena.global().allocate(copySize(), 4096).fill((byte) 1);
        static final MemorySegment TO = Arena.global().allocate(copySize(), 4096).fill((byte) 2);
    }

    /** Loads libtorch, whose threads are to be used. */
    @Setup(Level.Trial)
    public void prepare() {
        Machine.useLibtorchsThreads();
    }

    /** Waits for the JVM's turn. */
    @Setup(Level.Iteration)
    public void begin() {
        Turns.await();
    }

    private static long copySize() {
        long twice = 2 * Machine.lastLevelCacheBytes();
        return Math.clamp(twice, LEAST_COPY, MOST_COPY) / CHUNK * CHUNK;
    }

    /** Bytes {@link #copy} reads and writes. */
    static double copiedBytes() {
        return 2.0 * copySize();
    }

    /** Operations of {@link #fma} on each core. */
    static double fmaFlops() {
        return 2.0 * SUMS * SPECIES.length() * STEPS;
    }

    /** A copy on all cores. */
    @Benchmark
    public void copy() {
        Parallel.forRange(Parallel.pieces(Memory.FROM.byteSize(), CHUNK),
                i -> MemorySegment.copy(Memory.FROM, i * CHUNK, Memory.TO, i * CHUNK, CHUNK));
    }

    /** Sums of products on all cores. */
    @Benchmark
    public float[] fma() {
        float[] results = new float[Parallel.threads()];
        Parallel.forRange(results.length, thread -> results[thread] = sums(0.5f + thread));
        return results;
    }

    private static float sums(float start) {
        FloatVector factor = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector term = FloatVector.broadcast(SPECIES, start);
        FloatVector a = term;
        FloatVector b = term;
        FloatVector c = term;
        FloatVector d = term;
        FloatVector e = term;
        FloatVector f = term;
        FloatVector g = term;
        FloatVector h = term;
        FloatVector i = term;
        FloatVector j = term;
        FloatVector k = term;
        FloatVector l = term;
        for (int step = 0; step < STEPS; step++) {
            a = a.fma(factor, term);
            b = b.fma(factor, term);
            c = c.fma(factor, term);
            d = d.fma(factor, term);
            e = e.fma(factor, term);
            f = f.fma(factor, term);
            g = g.fma(factor, term);
            h = h.fma(factor, term);
            i = i.fma(factor, term);
            j = j.fma(factor, term);
            k = k.fma(factor, term);
            l = l.fma(factor, term);
        }
        return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j).add(k).add(l).lane(0);
    }
}
