package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.workload.AwkwardWorkloads;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.shim.HostLauncher;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The CUDA rungs, executed on the CPU, beside libtorch. Instructions by which a GPU approximates, such as a power of
 * two in one, are exact here; {@code lab selftest} has the errors on a GPU.
 */
class CudaAccuracyTest {
    static Stream<Named<Workload<?>>> comparable() {
        return AwkwardWorkloads.small().filter(workload -> workload.baseline() != null)
                .map(workload -> Named.of(workload.id(), workload));
    }

    @ParameterizedTest
    @MethodSource("comparable")
    void noRungIsOffByMoreThanTwiceWhatLibtorchIs(Workload<?> workload) {
        for (DType dtype : DType.values()) {
            assertAtMostTwice(workload, dtype);
        }
    }

    private static <R extends Rung> void assertAtMostTwice(Workload<R> workload, DType dtype) {
        try (EmulatedCase<R> emulated = new EmulatedCase<>(workload, dtype)) {
            emulated.rungs().forEach(rung -> {
                try (HostLauncher host = new HostLauncher(1)) {
                    emulated.assertAtMostTwice(rung, host, emulated.terms(rung));
                }
            });
        }
    }

    @Test
    void everyOperationThatLibtorchHasIsCompared() {
        assertEquals(operations(Workloads.all().filter(Workload::quick)), operations(AwkwardWorkloads.small()));
    }

    private static Set<String> operations(Stream<Workload<?>> workloads) {
        return workloads.filter(workload -> workload.baseline() != null)
                .map(workload -> workload.family() + " " + workload.operation()).collect(Collectors.toSet());
    }
}
