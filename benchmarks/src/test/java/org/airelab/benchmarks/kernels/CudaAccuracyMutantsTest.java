package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.workload.AwkwardWorkloads;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.Mutants;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels that are less exact than libtorch are found, and only who needs it is allowed more. */
class CudaAccuracyMutantsTest {
    private static Workload<?> find(String id) {
        return AwkwardWorkloads.small().filter(workload -> workload.id().equals(id)).findFirst().orElseThrow();
    }

    /** Sums of each row's or product's numbers, formed one after the other. */
    @ParameterizedTest
    @ValueSource(strings = {"matmul/multiply/272x24x1032", "softmax/forward/5x1032", "rms-norm/forward/5x1032",
        "layer-norm/forward/5x1032", "attention/forward/b1-t203-h1-d64-full"})
    void serialSumsAreOffByMoreThanTwiceWhatLibtorchIs(String id) {
        assertSerialSumsAreOffByMore(find(id));
    }

    private static <R extends Rung> void assertSerialSumsAreOffByMore(Workload<R> workload) {
        try (EmulatedCase<R> emulated = new EmulatedCase<>(workload, DType.FP32)) {
            List<CudaRung<R>> serial = emulated.rungs().filter(rung -> emulated.terms(rung) > 1).toList();
            assertFalse(serial.isEmpty());
            for (CudaRung<R> rung : serial) {
                try (HostLauncher host = new HostLauncher(1)) {
                    assertThrows(AssertionError.class, () -> emulated.assertAtMostTwice(rung, host, 1), rung.name());
                }
            }
        }
    }

    /** Workload, type, rung, and what in its source is replaced by what. */
    static Stream<Arguments> mutants() {
        String products = "mma_m16n8k16<ELEMENT>(sum[y][x / 4][x % 4], a_fragment[y], pair);";
        return Stream.of(
                // Sums, or what is divided by, rounded to the element type.
                Arguments.of("matmul/multiply/37x41x523-tt", DType.BF16, "mma", products, products
                        + " for (float &s : sum[y][x / 4][x % 4]) s = to_float(from_float<ELEMENT>(s));"),
                Arguments.of("attention/forward/b1-t203-h1-d64-full", DType.BF16, "mma", "sum[row] += s[n][e];",
                        "sum[row] = to_float(from_float<Element>(sum[row] + s[n][e]));"),
                Arguments.of("attention/backward/b1-t203-h1-d64-full", DType.BF16, "mma",
                        "mma_pair(sums[n], sums[n + 1], a, b);", "mma_pair(sums[n], sums[n + 1], a, b);"
                        + " for (float &s : sums[n]) s = to_float(from_float<Element>(s));"),
                // Float32 multiplied as TF32.
                Arguments.of("matmul/multiply/37x41x523-tt", DType.FP32, "prefetched", "+= a[y] * b[x];",
                        "+= __uint_as_float(__float_as_uint(a[y]) & 0xffffe000u) * b[x];"),
                // Half a millionth too much.
                Arguments.of("rms-norm/forward/5x1032", DType.FP32, "block", "/ width + eps);",
                        "/ width + eps) * 1.0000005f;"),
                Arguments.of("softmax/forward/5x1032", DType.FP32, "block", "float scale = 1.0f / ",
                        "float scale = 0.9999995f / "));
    }

    @ParameterizedTest
    @MethodSource("mutants")
    void whatIsLessExactIsFound(String id, DType dtype, String rung, String original, String replacement) {
        assertKilled(find(id), dtype, rung, original, replacement);
    }

    private static <R extends Rung> void assertKilled(Workload<R> workload, DType dtype, String name, String original,
            String replacement) {
        try (EmulatedCase<R> emulated = new EmulatedCase<>(workload, dtype)) {
            CudaRung<R> rung = emulated.rung(name);
            Mutants.assertKilled(original, replacement,
                    host -> emulated.assertAtMostTwice(rung, host, emulated.terms(rung)));
        }
    }
}
