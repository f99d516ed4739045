package org.airelab.benchmarks.kernels.workload;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.airelab.kernels.Families;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;

/** All workloads. A family added to {@link Families} needs an entry here. */
public final class Workloads {
    private static final Map<String, List<Workload<?>>> BY_FAMILY = new TreeMap<>(Map.ofEntries(
            Map.entry("embedding", EmbeddingWorkloads.all()),
            Map.entry("rms-norm", NormWorkloads.rms()),
            Map.entry("layer-norm", NormWorkloads.layer()),
            Map.entry("rotary", AttentionWorkloads.rotary()),
            Map.entry("softmax", SoftmaxWorkloads.all()),
            Map.entry("attention", AttentionWorkloads.attention()),
            Map.entry("swiglu", ActivationWorkloads.swiGlu()),
            Map.entry("gelu", ActivationWorkloads.gelu()),
            Map.entry("gelu-tanh", ActivationWorkloads.geluTanh()),
            Map.entry("relu", ActivationWorkloads.relu()),
            Map.entry("cross-entropy", LossWorkloads.crossEntropy()),
            Map.entry("gradient-norm", OptimizerWorkloads.gradientNorm()),
            Map.entry("adam", OptimizerWorkloads.adam()),
            Map.entry("sgd", OptimizerWorkloads.sgd()),
            Map.entry("rmsprop", OptimizerWorkloads.rmsProp()),
            Map.entry("matmul", MatmulWorkloads.all())));

    private Workloads() {
    }

    /** The workloads of a family; none for one that is not known here. */
    public static List<Workload<?>> of(Family<?> family) {
        return BY_FAMILY.getOrDefault(family.name(), List.of());
    }

    /** The workloads of all families there are, in the families' order. */
    public static Stream<Workload<?>> all() {
        return Families.all().stream().flatMap(family -> of(family).stream());
    }

    /** The workload of that {@link Workload#id}. */
    public static Workload<?> find(String id) {
        return all().filter(workload -> workload.id().equals(id)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("expected one of "
                        + all().map(Workload::id).toList() + ", found " + id));
    }

    /** The family a workload is of. */
    public static <R extends Rung> Family<R> family(Workload<R> workload) {
        Family<?> family = Families.all().stream().filter(f -> f.name().equals(workload.family())).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no family " + workload.family()));
        workload.rungType().cast(family.reference());
        @SuppressWarnings("unchecked") // the reference is a rung of that type, and a family's rungs are of one type
        Family<R> typed = (Family<R>) family;
        return typed;
    }
}
