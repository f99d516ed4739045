package org.airelab.distributed.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.airelab.base.Progress;
import org.airelab.distributed.plan.Job.Method;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.nn.ModelConfig;

/** A plan in words and numbers for people, or as a tree for programs. */
final class PlanReport {
    private static final double GB = 1e9;

    private PlanReport() {
    }

    static List<String> lines(String name, Plan plan) {
        List<String> lines = new ArrayList<>(header(name, plan));
        lines.add("");
        lines.addAll(memory(plan));
        lines.add("");
        if (!plan.flows().isEmpty()) {
            lines.addAll(flows(plan));
            lines.add("");
        }
        lines.addAll(time(plan));
        return lines;
    }

    private static List<String> header(String name, Plan plan) {
        Job job = plan.job();
        ModelConfig m = job.model();
        Hardware gpu = plan.cluster().gpu();
        return List.of(text("model      %s: %d layers, dim %d, %d heads (%d kv), context %d, vocabulary %,d: %s"
                        + " parameters", name, m.layers(), m.dim(), m.heads(), m.kvHeads(), m.contextLength(),
                        m.vocabSize(),
                        Progress.count(m.parameterCount())),
                text("hardware   %s: %,.0f TFLOP/s in %s, %.1f GiB at %,.0f GB/s; %.0f GB/s in a node of %d%s",
                        plan.cluster(), gpu.peakFlops(job.elementBytes()) / 1e12, lower(job.method().precision()),
                        gpu.memoryGib(),
                        gpu.memoryGbs(), gpu.nodeGbs(), plan.cluster().perNode(),
                        plan.cluster().nodes() > 1 ? ", between nodes " + gpu.network() : ""),
                text("mesh       %s%s", way(job), job.mesh().tp() > 1 && job.method().state().ours()
                        ? ", with --sequence-parallel" : ""),
                text("batch      %d replicas x %d sequences x %d passes x %,d tokens = %,.0f tokens a step",
                        job.mesh().dp(), job.rows(), job.passes(), m.contextLength(), job.tokensPerStep()));
    }

    /** A mesh with what goes along with it. */
    static String way(Job job) {
        Method method = job.method();
        boolean twice = method.recompute() != Recompute.NONE;
        return job.mesh() + (job.replicas() > 1 ? ", ZeRO-" + method.zero() : "")
                + (method.interleave() > 1 ? ", interleaved by " + method.interleave() : "")
                + (twice ? ", activations recomputed (" + lower(method.recompute()) + ")" : "");
    }

    private static List<String> memory(Plan plan) {
        MemoryPlan memory = plan.memory();
        Method method = plan.job().method();
        int zero = method.zero();
        int ranks = plan.job().replicas();
        List<String> lines = new ArrayList<>(List.of(
                text("memory of a rank, GiB; P = %s parameters that it computes with",
                        Progress.count(memory.parameters())),
                part("weights", memory.weights(), formula(method.state().weights(), zero >= 3, ranks)),
                part("gradients", memory.gradients(), formula(method.state().gradients(), zero >= 2, ranks)),
                part("optimizer", memory.optimizer(), formula(method.optimizer(), zero >= 1, ranks))));
        if (memory.turns() > 0) {
            lines.add(part("layers by turns", memory.turns(), "whole ones, of what is divided"));
        }
        if (memory.converted() > 0) {
            lines.add(part("weights converted", memory.converted(), lower(method.precision())));
        }
        lines.add(part("activations", memory.activations(), ""));
        lines.add(part("workspace", memory.workspace(), ""));
        lines.add(part("together", memory.total(), text("of %.1f%s", plan.cluster().gpu().memoryGib(),
                plan.fits() ? "" : ": it does not fit")));
        return lines;
    }

    private static String part(String name, double bytes, String note) {
        return text("  %-22s%10.2f  %s", name, MemoryPlan.gib(bytes), note).stripTrailing();
    }

    private static String formula(int bytes, boolean divided, int ranks) {
        return bytes + "P" + (divided && ranks > 1 ? "/" + ranks : "");
    }

    private static List<String> flows(Plan plan) {
        List<String> lines = new ArrayList<>();
        lines.add(text("%-46s%10s%10s%10s  %s", "sent by a rank in a step", "GB", "seconds", "exposed", "over"));
        plan.flows().forEach(flow -> lines.add(text("  %-44s%10.2f%10.3f%10.3f  %s", flow.parallelism() + ": "
                + flow.operation(), flow.bytes() / GB, flow.seconds(), flow.exposed(),
                flow.network() ? plan.cluster().gpu().network() : "links of the node")));
        return lines;
    }

    private static List<String> time(Plan plan) {
        StepTime time = plan.time();
        List<String> lines = new ArrayList<>();
        lines.add(text("a step of %.3f s", time.total()));
        Map<String, Double> parts = new LinkedHashMap<>();
        parts.put("matrix products", time.products());
        parts.put("attention", time.attention());
        parts.put("other kernels", time.memory());
        parts.put("optimizer", time.update());
        parts.put("exposed communication", time.exposed());
        parts.put("pipeline's bubble", time.bubble());
        parts.put("slower nodes", time.stragglers());
        parts.forEach((name, seconds) -> lines.add(text("  %-22s%10.3f %4.0f%%", name, seconds,
                100 * seconds / time.total())));
        lines.add("");
        lines.add(text("speed      %s tokens/s, %s a GPU, MFU %.0f%%; what limits it: %s",
                Progress.count(plan.tokensPerSecond()),
                Progress.count(plan.tokensPerSecond() / plan.job().mesh().ranks()), 100 * plan.mfu(), time.limit()));
        return lines;
    }

    /** Why GPUs have nothing to do for most of a step, and what would help; empty where they have. */
    static Optional<String> idle(Plan plan) {
        StepTime time = plan.time();
        if (time.idle() <= 0.5) {
            return Optional.empty();
        }
        return Optional.of(text("GPUs compute in no more than %.0f%% of a step; %s", 100 * (1 - time.idle()),
                time.bubble() > time.exposed() ? "more passes a step (--accumulation) make the pipeline's bubble"
                        + " smaller, and fewer GPUs need a shorter one." : "more tokens a step (--accumulation), or"
                                + " fewer GPUs, leave less to wait for."));
    }

    /** A line of a list of alternatives. */
    static String alternative(Plan plan, Plan best) {
        return text("  %-52s%8.3f s  %+4.0f%%%8.1f GiB", way(plan.job()), plan.time().total(),
                100 * (plan.time().total() / best.time().total() - 1), MemoryPlan.gib(plan.memory().total()));
    }

    /** The plan as a tree, bytes and seconds. */
    static Map<String, Object> tree(String name, Plan plan) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("name", name);
        tree.put("hardware", plan.cluster().toString());
        tree.put("mesh", plan.job().mesh().toString());
        tree.put("job", plan.job());
        tree.put("gpu", plan.cluster().gpu());
        tree.put("fits", plan.fits());
        tree.put("memory", plan.memory());
        tree.put("memory_total", plan.memory().total());
        tree.put("flows", plan.flows());
        tree.put("time", plan.time());
        tree.put("step_seconds", plan.time().total());
        tree.put("tokens_per_second", plan.tokensPerSecond());
        tree.put("mfu", plan.mfu());
        tree.put("limit", plan.time().limit());
        return tree;
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static String text(String form, Object... arguments) {
        return String.format(Locale.ROOT, form, arguments);
    }
}
