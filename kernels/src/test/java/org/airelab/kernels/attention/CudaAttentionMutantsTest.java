package org.airelab.kernels.attention;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
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
                new Mutant("mma", "cp_async_4(statistics", "if (i > 0) cp_async_4(statistics"),
                new Mutant("mma", "sum[row] *= shrink[row];", ""));
        return Stream.of(barriers, tails, others).flatMap(m -> m);
    }

    private static Mutant barrier(String rung, String ends) {
        return new Mutant(rung, "__syncthreads(); // " + ends + "\n", "\n");
    }

    @ParameterizedTest
    @MethodSource("mutants")
    void everyMutantIsKilled(Mutant mutant) {
        assertTrue(Stream.of(true, false).anyMatch(causal -> killed(mutant, causal)));
    }

    private static boolean killed(Mutant mutant, boolean causal) {
        var dtype = mutant.rung.equals("mma") ? DType.BF16 : DType.FP32;
        var of = CudaCase.all(new AttentionShape(1, 130, 2, 1, 32, causal))
                .filter(any -> any.rung().name().equals(mutant.rung) && any.dtype() == dtype).findFirst().orElseThrow();
        var qkv = of.qkv();
        try (var host = new HostLauncher(1).withMutation(mutant.original, mutant.replacement)) {
            of.assertClose(qkv, of.run(qkv, host));
            return false;
        } catch (KernelFault | AssertionFailedError noticed) {
            return true;
        }
    }
}
