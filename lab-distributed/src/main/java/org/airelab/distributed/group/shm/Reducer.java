package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import org.airelab.distributed.group.Floats;
import org.airelab.distributed.group.Reduction;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.torch.ScalarType;

/** Reduces arrays to one, always in the order of the ranks, and writes it to one or more places. One thread's. */
final class Reducer {
    /** Elements at a time: their sums stay in the innermost cache. */
    private static final int BLOCK = 1024;

    private final Arena arena = Arena.ofAuto();
    private final long sums = arena.allocate(BLOCK * Float.BYTES, Lanes.BYTES).address();

    /**
     * Reduces.
     *
     * @param sources addresses of {@code count} elements of each rank
     * @param targets where the result goes; may be sources
     */
    void reduce(ScalarType type, Reduction reduction, long[] sources, long[] targets, long count) {
        if (type == ScalarType.INT64) {
            reduceLongs(reduction, sources, targets, count);
        } else if (reduction == Reduction.SUM) {
            DType dtype = type.kernelType();
            for (long from = 0; from < count; from += BLOCK) {
                sum(dtype, sources, targets, from, Math.min(BLOCK, count - from));
            }
        } else {
            choose(type.kernelType(), reduction == Reduction.MAX, sources, targets, count);
        }
    }

    private void sum(DType type, long[] sources, long[] targets, long from, long count) {
        long offset = from * type.bytes();
        long target = targets[0] + offset;
        if (type == DType.FP32 && sources.length == 2) {
            Floats.add(sources[0] + offset, sources[1] + offset, target, count);
        } else {
            // Not in the target: it may be one of the later sources.
            Floats.widen(type, sources[0] + offset, sums, count);
            for (int i = 1; i < sources.length; i++) {
                Floats.accumulate(type, sources[i] + offset, sums, count);
            }
            Floats.narrow(type, sums, target, count);
        }
        for (int i = 1; i < targets.length; i++) {
            Lanes.copy(target, targets[i] + offset, count * type.bytes());
        }
    }

    private static void choose(DType type, boolean larger, long[] sources, long[] targets, long count) {
        for (long i = 0; i < count; i++) {
            float chosen = Floats.get(type, sources[0], i);
            for (int j = 1; j < sources.length; j++) {
                float candidate = Floats.get(type, sources[j], i);
                chosen = larger ? Math.max(chosen, candidate) : Math.min(chosen, candidate);
            }
            for (long target : targets) {
                Floats.set(type, target, i, chosen);
            }
        }
    }

    private static void reduceLongs(Reduction reduction, long[] sources, long[] targets, long count) {
        for (long i = 0; i < count; i++) {
            long result = Lanes.getLong(sources[0] + 8 * i);
            for (int j = 1; j < sources.length; j++) {
                long value = Lanes.getLong(sources[j] + 8 * i);
                result = switch (reduction) {
                    case SUM -> result + value;
                    case MAX -> Math.max(result, value);
                    case MIN -> Math.min(result, value);
                };
            }
            for (long target : targets) {
                Lanes.MEMORY.set(JAVA_LONG_UNALIGNED, target + 8 * i, result);
            }
        }
    }
}
