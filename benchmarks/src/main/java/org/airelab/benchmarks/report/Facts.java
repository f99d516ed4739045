package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.airelab.base.Progress;

/** Where and how a report was measured, in words. */
final class Facts {
    private Facts() {
    }

    /** A fact a line. */
    static List<String> of(Environment e) {
        List<String> facts = new ArrayList<>();
        facts.add("Date: " + e.date() + ", took " + Progress.duration(e.seconds()));
        if (e.gpu() != null) {
            gpu(e.gpu(), facts);
        }
        facts.add("Machine: " + e.hardware().cpu() + ", " + e.hardware().cores() + " cores (kernels use " + e.threads()
                + "), " + (e.hardware().memoryBytes() >> 30) + " GiB, last-level cache " + (e.cacheBytes() >> 20)
                + " MiB, " + e.hardware().os());
        if (e.gpu() == null) {
            facts.add(String.format(Locale.ROOT, "Clocks: governor %s, %.0f MHz after the run", e.governor(),
                    e.megahertz()));
            facts.add(String.format(Locale.ROOT, "Disturbance: %.0f%% of the samples taken while other programs kept"
                    + " kernels from their cores; %.1f%% of the processor time went to other machines",
                    e.disturbedPercent(), e.stolenPercent()));
        }
        facts.add("Software: " + e.jvm() + "; " + e.versions().entrySet().stream()
                .map(v -> v.getKey() + " " + v.getValue()).collect(Collectors.joining(", ")));
        facts.add("Commit: " + e.commit() + (Boolean.TRUE.equals(e.dirty()) ? ", with changes" : ""));
        facts.add("Mode: " + e.mode() + "; " + e.forks() + " rounds of JVMs, " + e.visits()
                + " samples in each, a sample the least of several means; inputs random");
        facts.add("Rate: of the operations or bytes a call cannot do without; of peak: the time the limits allow, over"
                + " the median (above 100% where data stay in a cache)");
        facts.add("Max error: largest difference from the float64 reference over the root mean square of the tensor"
                + (e.gpu() == null ? "" : "; a dash where that is too large to compute"));
        return facts;
    }

    private static void gpu(Gpu gpu, List<String> facts) {
        Gpu.Model model = gpu.model();
        facts.add(String.format(Locale.ROOT, "GPU: %s, compute capability %.1f, %d multiprocessors, %d GiB, L2 cache %d"
                + " MiB; driver of CUDA %s, kernels by %s", model.name(), model.architecture() / 10.0,
                model.multiprocessors(), model.memoryBytes() >> 30, model.l2Bytes() >> 20, model.cuda(),
                model.compiler()));
        for (int round = 0; round < gpu.loads().size(); round++) {
            Gpu.Load load = gpu.loads().get(round);
            facts.add(String.format(Locale.ROOT, "Round %d: multiprocessors at %d MHz (median; least %d, could be %d),"
                    + " memory at %s MHz, up to %.0f W, %d to %d degrees", round + 1,
                    load.smMegahertzMedian(), load.smMegahertzLeast(), load.smMegahertzHighest(),
                    load.memoryMegahertz() < 0 ? "unknown" : load.memoryMegahertz(),
                    load.wattsMost(), load.celsiusFirst(), load.celsiusMost()));
        }
    }

    /** What makes numbers doubtful or keeps some from being there. */
    static List<String> warnings(Environment e) {
        List<String> warnings = new ArrayList<>(e.notes());
        if (e.gpu() == null) {
            return warnings;
        }
        if (e.gpu().loads().isEmpty()) {
            warnings.add("Clocks, power and temperature are unknown: there is no NVML that knows the GPU.");
        }
        for (int round = 0; round < e.gpu().loads().size(); round++) {
            Gpu.Load load = e.gpu().loads().get(round);
            if (load.throttledPercent() > 0) {
                warnings.add(String.format(Locale.ROOT, "The GPU's clock was held down after %.0f%% of the samples of"
                        + " round %d: %s.", load.throttledPercent(), round + 1, String.join(", ", load.throttling())));
            }
        }
        return warnings;
    }
}
