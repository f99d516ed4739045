package org.airelab.kernels.attention;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.AssertionFailedError;

/** Bugs planted in the kernels: each barrier left out, tails off by one, wrong strides. Every one is noticed. */
class CudaAttentionMutantsTest {
    private record Mutant(String rung, String original, String replacement) {}

    static Stream<Mutant> mutants() {
        var barriers = Stream.of(
                barrier("fused", "keys loaded"), barrier("fused", "keys read"),
                barrier("fused", "values loaded, weights written"), barrier("fused", "values and weights read"),
                barrier("fused", "keys and values loaded"), barrier("fused", "scores' gradients written"),
                barrier("fused", "keys and scores' gradients read"), barrier("fused", "queries loaded"),
                barrier("fused", "weights written"), barrier("fused", "queries and weights read"),
                barrier("mma", "keys arrived, values read"), barrier("mma", "values arrived, keys read"),
                barrier("mma", "keys and values arrived"), barrier("mma", "keys and values read"),
                barrier("mma", "queries arrived"), barrier("mma", "queries read"),
                new Mutant("mma", "__syncwarp(); // rounded rows written", ""));
        var tails = Stream.of(
                new Mutant("naive", "j < seen; j++) sum += p[j]", "j <= seen; j++) sum += p[j]"),
                new Mutant("naive", "causal ? position : 0", "causal ? position + 1 : 0"),
                new Mutant("fused", "r < count && c", "r <= count && c"),
                new Mutant("fused", "at < time && (!causal", "at <= time && (!causal"),
                new Mutant("fused", "(!causal || key <= query)", "(!causal || key < query)"),
                new Mutant("fused", "thread_row(r) < count", "thread_row(r) <= count"),
                new Mutant("mma", "r < count && c", "r <= count && c"),
                new Mutant("mma", "at >= time || (causal", "at > time || (causal"),
                new Mutant("mma", "own + fragment_row(e) <= query + column", "own + fragment_row(e) < query + column"),
                new Mutant("mma", "position < count", "position <= count"));
        var others = Stream.of(
                new Mutant("naive", "v[(long long) j * h.width()]", "v[(long long) j * h.out_width()]"),
                new Mutant("fused", "* row_step + k * step];", "* row_step + k * (step + 1)];"),
                new Mutant("mma", "(long long) r * width + c : rows", "(long long) r * (width + 8) + c : rows"),
                new Mutant("mma", "cp_async_4(statistic(", "if (i > 0) cp_async_4(statistic("),
                new Mutant("mma", "index / PADDING * STRIDE + WIDTH", "index / PADDING * STRIDE + WIDTH - PADDING"),
                new Mutant("mma", "stage * 2 * STREAM + index", "stage * STREAM + index"),
                new Mutant("mma", "sum[row] *= shrink[row];", ""));
        return Stream.of(barriers, tails, others, hopper()).flatMap(m -> m);
    }

    private static Stream<Mutant> hopper() {
        var shared = Stream.of(
                gone("__syncthreads();", " // barriers initialized"),
                gone("barrier_sync(OWN + consumer, GROUP);", ""), gone("async_proxy_fence();", "\n    __syncwarp"),
                gone("__syncwarp();", " // rounded rows written"), gone("tma_store_wait();", "\n    }"),
                new Mutant("wgmma", "CONSUMERS * GROUP / 32);\n        }", "CONSUMERS);\n        }"),
                new Mutant("wgmma", "SIZE * (int) sizeof(Element) + more", "SIZE + more"),
                new Mutant("wgmma", "<LINE_BYTES>(tile, STREAM * LINE_BYTES)", "<LINE_BYTES>(tile, LINE_BYTES)"),
                new Mutant("wgmma", "k / LINE * STREAM * LINE", "k / LINE * 32 * LINE"),
                new Mutant("wgmma", "k / LINE * ROWS * LINE_BYTES + k % LINE", "k / LINE * ROWS * LINE_BYTES + 0"),
                new Mutant("wgmma", "(first_panel + panel) * LINE", "first_panel * LINE"),
                new Mutant("wgmma", "offset >> 7 &", "offset >> 6 &"),
                new Mutant("wgmma", "map, panel * LINE, head, position + row", "map, 0, head, position + row"),
                new Mutant("wgmma", "k * LINE_BYTES), true", "k * LINE_BYTES), k > 0"),
                new Mutant("wgmma", "PRODUCER_REGISTERS) / CONSUMERS / 8 * 8",
                        "PRODUCER_REGISTERS) / CONSUMERS / 8 * 8 + 8"));
        return Stream.of(shared, hopperForward(), hopperBackward(), hopperWorks(), hopperTurns()).flatMap(m -> m);
    }

    private static Stream<Mutant> hopperForward() {
        return Stream.of(
                gone("mbarrier_init_fence();", "\n    }\n    __"), gone("to.wait_empty(ring);", ""),
                gone("mbarrier_wait(queries_full, 0);", ""), gone("keys.wait(key_ring);", "\n        values"),
                gone("values.wait(value_ring);", "\n        if (turns)"),
                gone("values.wait(value_ring);", "\n    wgmma"),
                gone("wgmma_fence();", "\n    begin_scores"), gone("wgmma_fence();", "\n    begin_sums"),
                gone("wgmma_fence();", "\n        begin_scores(s, queries, keys.at"),
                gone("wgmma_wait<1>();", " // the scores"), gone("wgmma_wait<0>();", " // the sums"),
                gone("wgmma_wait<0>();", "\n    wgmma_hold(sums);\n\n"),
                gone("keys.give_back(key_ring);", "\n        weigh"), gone("values.give_back(value_ring);", ""),
                gone("if (turns && seen > STREAM && consumer == 1) barrier_arrive(TURN + other, CONSUMERS * GROUP);",
                        ""),
                new Mutant("wgmma", "turns && (consumer == 0 || key + STREAM < seen)", "turns"),
                gone("scale_rows(fragments(sums), shrink);", ""),
                new Mutant("wgmma", "causal && key + STREAM > own", "causal && key > own"));
    }

    private static Stream<Mutant> hopperBackward() {
        return Stream.of(
                gone("mbarrier_init_fence();", "\n            *ticket"),
                gone("__syncwarp();", "\n        if (lane() == 0) mbarrier_arrive(barrier);"),
                gone("memory.pairs.wait_empty(ring);", "\n            memory"),
                gone("mbarrier_wait(&memory.held_full[n % HELD_TILES], n / HELD_TILES % 2);", ""),
                gone("memory.pairs.wait(ring);", ""),
                gone("wgmma_fence();", "\n        begin_scores(p"), gone("wgmma_wait<1>();", " // the scores"),
                gone("wgmma_fence();", "\n        begin_sums(d_values"), gone("wgmma_wait<BEGINS ? 1 : 2>();", ""),
                gone("mbarrier_wait(&memory.scores_empty[buffer], count / BUFFERS % 2 ^ 1);", ""),
                gone("async_proxy_fence();", "\n        memory.arrive(&memory.scores_full"),
                gone("memory.arrive(&memory.scores_full[buffer]);", ""),
                gone("wgmma_fence();", "\n        begin_sums(d_keys"), gone("wgmma_wait<1>();", " // all but that"),
                gone("wgmma_wait<0>();", "\n        wgmma_hold(d_keys)"),
                gone("mbarrier_wait(&memory.scores_full[buffer], tile / BUFFERS % 2);", ""),
                gone("memory.arrive(&memory.scores_empty[tile % BUFFERS]);", ""),
                gone("mbarrier_wait(memory.queries_empty, tile % 2 ^ 1);", ""),
                gone("async_proxy_fence();", "\n        memory.arrive(&memory.queries_full"),
                gone("wgmma_fence();", "\n        begin_before"), gone("wgmma_wait<0>();", "\n        give"),
                gone("barrier_sync(BOTH, CONSUMERS * GROUP);", " // scores' gradients"),
                new Mutant("wgmma", "key > at", "key >= at"),
                new Mutant("wgmma", "own + 15 > query", "own > query"),
                gone("if (++head < first_head + group) return;", ""),
                new Mutant("wgmma", "weights, log_sums + STREAM)", "weights, log_sums)"),
                new Mutant("wgmma", "k / ROWS * OWN_TILE * (int) sizeof(Element)", "k / ROWS * OWN_TILE"),
                new Mutant("wgmma", "n / 8 * HELD * SCORE_LINE", "n / 8 * ROWS * SCORE_LINE"),
                new Mutant("wgmma", "first ^ n % 8 * 16", "first + n % 8 * 16"));
    }

    /** What keeps a block's works apart. */
    private static Stream<Mutant> hopperWorks() {
        return Stream.of(
                gone("if (n > 0) barrier_sync(TAKEN, ALL);", ""),
                gone("barrier_arrive(TO_CONSUMERS, WITH_CONSUMERS);", ""),
                gone("barrier_arrive(TO_WRITERS, WITH_WRITERS);", ""), gone("barrier_sync(barrier, threads);", ""),
                gone("if (GOES_ON && !work.none) barrier_arrive(TAKEN, ALL);", ""),
                new Mutant("wgmma", "GOES_ON && !work.none", "GOES_ON"),
                gone("count = sums.count;", ""),
                new Mutant("wgmma", "ticket >= all * tiles", "ticket > all * tiles"));
    }

    private static Stream<Mutant> hopperTurns() {
        return Stream.of(
                new Mutant("wgmma", "turns[thread] = 0;", ";"),
                gone("if (turn > 0) turn_wait(turns + tile, turn);", ""),
                gone("mbarrier_wait(&memory.queries_full[which], count / WRITERS % 2);", ""),
                gone("bulk_wait_read<0>();", ""), gone("bulk_wait<0>();", "\n        turn_pass"),
                gone("turn_pass(turns + tile, turn + 1);", ""),
                new Mutant("wgmma", "if (turn > 0) bulk_add(", "if (turn >= 0) bulk_add("),
                new Mutant("wgmma", "rises ? tile : tiles - 1 - tile", "tile"),
                new Mutant("wgmma", "rising ? first_key : query - first_key", "first_key"),
                new Mutant("wgmma", "inside = position < time", "inside = true"),
                new Mutant("wgmma", "STATISTICS * (int) sizeof(float)", "0"),
                new Mutant("wgmma", "8 * chunk < HEAD_SIZE", "8 * chunk < HEAD_SIZE - 8"));
    }

    private static Mutant barrier(String rung, String ends) {
        return new Mutant(rung, "__syncthreads(); // " + ends + "\n", "\n");
    }

    /** A statement of the rung wgmma left out, there where the text given follows it. */
    private static Mutant gone(String statement, String next) {
        return new Mutant("wgmma", statement + next, next);
    }

    private static Stream<AttentionShape> shapes(String rung) {
        return Stream.of(true, false).flatMap(causal -> rung.equals("wgmma")
                // Three tiles of keys, for the rings to come round; queries' gradients in parts by columns and by rows.
                // And more heads than a section has, of which all but the last fall.
                ? Stream.of(new AttentionShape(1, 300, 2, 1, 72, causal), new AttentionShape(1, 300, 2, 1, 40, causal),
                        new AttentionShape(7, 300, 1, 1, 40, causal))
                : Stream.of(new AttentionShape(1, 130, 2, 1, 32, causal)));
    }

    @ParameterizedTest
    @MethodSource("mutants")
    void everyMutantIsKilled(Mutant mutant) {
        assertTrue(shapes(mutant.rung).anyMatch(shape -> killed(mutant, shape)));
    }

    /** Else it would not be the change that kills a mutant. */
    @Test
    void unchangedSourcesPass() {
        mutants().map(Mutant::rung).distinct().forEach(rung -> shapes(rung).forEach(shape -> {
            var of = of(rung, shape);
            var qkv = of.qkv();
            try (var host = new HostLauncher(1)) {
                of.assertClose(qkv, of.run(qkv, host));
            }
        }));
    }

    private static CudaCase of(String rung, AttentionShape shape) {
        var dtype = rung.endsWith("mma") ? DType.BF16 : DType.FP32;
        return CudaCase.all(shape).filter(any -> any.rung().name().equals(rung) && any.dtype() == dtype)
                .findFirst().orElseThrow();
    }

    private static boolean killed(Mutant mutant, AttentionShape shape) {
        var of = of(mutant.rung, shape);
        var qkv = of.qkv();
        try (var host = new HostLauncher(1).withMutation(mutant.original, mutant.replacement)) {
            of.assertClose(qkv, of.run(qkv, host));
            return false;
        } catch (KernelFault | AssertionFailedError noticed) {
            return true;
        }
    }
}
