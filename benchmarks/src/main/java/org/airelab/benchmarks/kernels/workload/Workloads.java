package org.airelab.benchmarks.kernels.workload;

import java.util.List;
import java.util.Map;
import java.util.Optional;
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
            Map.entry("rotary", RotaryWorkloads.all()),
            Map.entry("softmax", SoftmaxWorkloads.all()),
            Map.entry("attention", AttentionWorkloads.attention()),
            Map.entry("swiglu", ActivationWorkloads.swiGlu()),
            Map.entry("gelu", ActivationWorkloads.gelu()),
            Map.entry("gelu-tanh", ActivationWorkloads.geluTanh()),
            Map.entry("relu", ActivationWorkloads.relu()),
            Map.entry("cross-entropy", LossWorkloads.crossEntropy()),
            Map.entry("gradient-norm", OptimizerWorkloads.gradientNorm()),
            Map.entry("gradient-sum", OptimizerWorkloads.gradientSum()),
            Map.entry("adam", OptimizerWorkloads.adam()),
            Map.entry("sgd", OptimizerWorkloads.sgd()),
            Map.entry("rmsprop", OptimizerWorkloads.rmsProp()),
            Map.entry("matmul", MatmulWorkloads.all())));

    /** What a GPU alone is asked for: a CPU takes seconds for a call, and a GPU is not busy with less. */
    private static final Map<String, List<Workload<?>>> LARGE = Map.ofEntries(
            Map.entry("embedding", EmbeddingWorkloads.large()),
            Map.entry("rms-norm", NormWorkloads.largeRms()),
            Map.entry("layer-norm", NormWorkloads.largeLayer()),
            Map.entry("rotary", RotaryWorkloads.large()),
            Map.entry("softmax", SoftmaxWorkloads.large()),
            Map.entry("attention", AttentionWorkloads.largeAttention()),
            Map.entry("swiglu", ActivationWorkloads.largeSwiGlu()),
            Map.entry("gelu", ActivationWorkloads.largeGelu()),
            Map.entry("gelu-tanh", ActivationWorkloads.largeGeluTanh()),
            Map.entry("relu", ActivationWorkloads.largeRelu()),
            Map.entry("cross-entropy", LossWorkloads.largeCrossEntropy()),
            Map.entry("gradient-norm", OptimizerWorkloads.largeGradientNorm()),
            Map.entry("gradient-sum", OptimizerWorkloads.largeGradientSum()),
            Map.entry("adam", OptimizerWorkloads.largeAdam()),
            Map.entry("sgd", OptimizerWorkloads.largeSgd()),
            Map.entry("rmsprop", OptimizerWorkloads.largeRmsProp()),
            Map.entry("matmul", MatmulWorkloads.large()));

    /** What is too small to be measured, and makes the CUDA rungs launch their sources with all macros there are. */
    private static final Map<String, List<Workload<?>>> VARIANTS = Map.ofEntries(
            Map.entry("embedding", EmbeddingWorkloads.variants()),
            Map.entry("rms-norm", NormWorkloads.rmsVariants()),
            Map.entry("layer-norm", NormWorkloads.layerVariants()),
            Map.entry("rotary", RotaryWorkloads.variants()),
            Map.entry("softmax", SoftmaxWorkloads.variants()),
            Map.entry("attention", AttentionWorkloads.attentionVariants()),
            Map.entry("cross-entropy", LossWorkloads.variants()),
            Map.entry("matmul", MatmulWorkloads.variants()));

    /** What rungs need not all give the same result of, and makes them launch further sources. */
    private static final Map<String, List<Workload<?>>> SOURCES =
            Map.of("attention", AttentionWorkloads.attentionSources());

    private Workloads() {
    }

    /** The workloads of a family that every device can do; none for one that is not known here. */
    public static List<Workload<?>> of(Family<?> family) {
        return BY_FAMILY.getOrDefault(family.name(), List.of());
    }

    /** The workloads of a family that a GPU alone is asked for. */
    public static List<Workload<?>> large(Family<?> family) {
        return LARGE.getOrDefault(family.name(), List.of());
    }

    /**
     * Small workloads of a family at which, with the quick ones, its CUDA rungs launch their sources in every variant;
     * none where the quick ones do.
     */
    public static List<Workload<?>> variants(Family<?> family) {
        return VARIANTS.getOrDefault(family.name(), List.of());
    }

    /** Workloads of a family that are neither measured nor compared: they make its CUDA rungs launch more sources. */
    public static List<Workload<?>> sources(Family<?> family) {
        return SOURCES.getOrDefault(family.name(), List.of());
    }

    /** The workloads of all families there are, in the families' order. */
    public static Stream<Workload<?>> all() {
        return Families.all().stream().flatMap(family -> of(family).stream());
    }

    /** The workload of that {@link Workload#id}. */
    public static Workload<?> find(String id) {
        return lookUp(id).orElseThrow(() -> new IllegalArgumentException("expected one of "
                + all().map(Workload::id).toList() + ", found " + id));
    }

    /** The same; empty where there is none. */
    public static Optional<Workload<?>> lookUp(String id) {
        return Stream.concat(all(), Families.all().stream()
                .flatMap(family -> Stream.concat(large(family).stream(), variants(family).stream())))
                .filter(workload -> workload.id().equals(id)).findFirst();
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
