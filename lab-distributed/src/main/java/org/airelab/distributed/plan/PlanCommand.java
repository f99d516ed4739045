package org.airelab.distributed.plan;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.airelab.base.Json;
import org.airelab.base.Nearest;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.config.Configurations;
import org.airelab.config.Setting;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Method;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Job.State;
import org.airelab.distributed.pretrain.PretrainConfig;
import org.airelab.distributed.pretrain.PretrainPresets;
import org.airelab.tracking.RunDirectory;
import org.airelab.train.KernelChoice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab plan}. */
@Command(name = "plan", description = {
    "Say what training would need and how fast it would be on GPUs that are not here: memory, communication and time of"
        + " a step, what limits it, and which mesh to take.",
    "The model of all that, and how far it is from published runs: lab-distributed/docs/plan.md."},
        footer = {"  lab plan stories110m --hardware h100x8", "  lab plan llama3-8b --hardware h100x8x4",
            "  lab plan llama3-70b --hardware h200x8x8 --mesh tp=8,pp=2 --zero 1",
            "  lab plan --check"})
public final class PlanCommand implements LabCommand {
    private static final List<Integer> ALL_STAGES = List.of(0, 1, 2, 3);
    private static final int ALTERNATIVES = 4;
    private static final int ENOUGH = 8;

    @Parameters(arity = "0..1", paramLabel = "CONFIG", description = "A preset of lab pretrain, a published model such"
            + " as llama3-8b, a run's folder, or its config.yaml.")
    private String config;

    @Option(names = "--hardware", paramLabel = "GPUxN[xNODES]", defaultValue = "h100x8", description = "GPUs of a node,"
            + " and nodes: h100x8x4. Known: h100, h200, h100-96gb, a100, a100-40gb, or a YAML file. Default:"
            + " ${DEFAULT-VALUE}.")
    private String hardware;

    @Option(names = "--mesh", paramLabel = "MESH", description = "How ranks divide the work: dp=2,tp=2,pp=2,cp=1."
            + " Default: the simplest that fits and is hardly slower than the fastest.")
    private String mesh;

    @Option(names = "--zero", paramLabel = "STAGE", description = "What data parallelism divides: 0 nothing, 1 the"
            + " optimizer's state, 2 gradients too, 3 weights too. Default: as for --mesh.")
    private Integer zero;

    @Option(names = "--checkpointing", arity = "0..1", fallbackValue = "FULL", paramLabel = "WHICH", description =
            "Activations computed twice: none, full, or of other software's (--state) selective. Default: the"
                    + " configuration's, or the fastest that fits.")
    private Recompute recompute;

    @Option(names = {"--batch", "--batch-size"}, paramLabel = "N", description = "Sequences of a forward pass.")
    private String batch;

    @Option(names = "--accumulation", paramLabel = "N", description = "Forward passes of a step of one rank alone;"
            + " replicas share them.")
    private String accumulation;

    @Option(names = "--precision", paramLabel = "P", description = "fp32, bf16 or fp16. Default: the configuration's.")
    private String precision;

    @Option(names = "--interleave", paramLabel = "V", defaultValue = "1",
            description = "Pieces of the model of each rank of a pipeline. Default: ${DEFAULT-VALUE}.")
    private int interleave;

    @Option(names = "--state", paramLabel = "WHOSE", defaultValue = "FLOAT32", description = "What is kept and sent:"
            + " float32, as lab pretrain does (4+4+8 bytes a parameter with Adam); pytorch, the same kept, with half"
            + " types gathered by ZeRO-3; or mixed, as Megatron-LM (2+2+12). Default: float32.")
    private State state;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Any other key of the configuration.")
    private List<String> set = new ArrayList<>();

    @Option(names = "--json", description = "Print the plan as JSON.")
    private boolean json;

    @Option(names = "--check", description = "Hold the model against published runs; leaves with 1 when it reproduces"
            + " too few.")
    private boolean check;

    @Spec
    private CommandSpec spec;

    @Override
    public CommandGroup group() {
        return CommandGroup.TRAIN;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (check) {
            return check(out);
        }
        if (config == null) {
            throw UserError.badInput("a model to plan for was expected, found none.",
                    "Name a preset such as llama3-8b, or give a run's folder.");
        }
        Cluster cluster = Cluster.parse(hardware);
        PretrainConfig run = configuration();
        MeshSearch search = search(run);
        List<Plan> plans = plans(search, meshes(search, cluster), recomputes(run), cluster);
        print(plans, remarks(search, plans.getFirst()), out);
        if (!plans.getFirst().fits()) {
            throw tooLarge(plans.getFirst());
        }
        return 0;
    }

    private static int check(PrintWriter out) {
        List<PublishedPoints.Source> sources = PublishedPoints.load();
        out.print(PublishedPoints.table(sources));
        out.flush();
        return PublishedPoints.reproduced(sources) >= ENOUGH ? 0 : UserError.FAILED;
    }

    private PretrainConfig configuration() {
        Map<String, PretrainConfig> presets = PlanPresets.all();
        PretrainConfig preset = presets.get(config);
        if (preset != null) {
            return Configurations.load(PretrainConfig.class, preset, null, overrides());
        }
        Path file = Path.of(config);
        if (RunDirectory.isRun(file)) {
            file = file.resolve(PretrainConfig.FILE);
        } else if (Files.isDirectory(file)) {
            throw UserError.badInput(config + " holds no run: it has no manifest.json.",
                    "Give the folder of a run, or a model such as llama3-8b.");
        } else if (!config.endsWith(".yaml") && !config.endsWith(".yml")) {
            throw UserError.badInput("unknown model " + config + "; known are " + String.join(", ", presets.keySet())
                    + ".", Nearest.to(config, presets.keySet()).map(name -> "Did you mean " + name + "?")
                            .orElse("Choose one of them, or give a run's folder."));
        }
        return Configurations.load(PretrainConfig.class, presets.get(PretrainPresets.DEFAULT), file, overrides());
    }

    private List<Setting> overrides() {
        List<Setting> overrides = Setting.given(new Setting("--batch-size", "train.batch_size", batch),
                new Setting("--accumulation", "train.accumulation", accumulation),
                new Setting("--precision", "run.precision", precision));
        set.stream().map(Setting::parse).forEach(overrides::add);
        return overrides;
    }

    private MeshSearch search(PretrainConfig run) {
        if (state.ours() && recompute == Recompute.SELECTIVE) {
            throw UserError.badInput("lab pretrain computes layers twice as a whole or not at all, and --checkpointing"
                    + " selective is a way of other software.", "Use --checkpointing none or full, or --state pytorch"
                            + " or mixed.");
        }
        Kernels kernels = run.run().kernels() == KernelChoice.TORCH ? Kernels.PLAIN : Kernels.FUSED;
        try {
            return new MeshSearch(run.model(), run.train().batchSize(), run.train().accumulation(),
                    new Method(run.run().precision(), state, run.optimizer().stateNames().size(),
                            zero == null ? 0 : zero, recomputes(run).getFirst(), kernels, interleave));
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(e.getMessage() + ".", "See lab plan --help.", e);
        }
    }

    private List<Recompute> recomputes(PretrainConfig run) {
        if (recompute != null) {
            return List.of(recompute);
        }
        return run.train().checkpointing() ? List.of(Recompute.FULL) : List.of(Recompute.NONE, Recompute.FULL);
    }

    /** Those to choose from. */
    private List<MeshShape> meshes(MeshSearch search, Cluster cluster) {
        if (mesh == null) {
            return MeshSearch.meshes(cluster.ranks());
        }
        MeshShape given = MeshShape.parse(mesh, OptionalInt.of(cluster.ranks()));
        search.job(given, search.method().zero(), search.method().recompute()).obstacle().ifPresent(obstacle -> {
            throw obstacle;
        });
        return List.of(given);
    }

    /** The best first. Where a mesh is given and nothing fits, the one that needs least. */
    private List<Plan> plans(MeshSearch search, List<MeshShape> meshes, List<Recompute> recomputes, Cluster cluster) {
        List<Integer> stages = zero == null ? ALL_STAGES : List.of(zero);
        List<Plan> plans = search.best(meshes, stages, recomputes, cluster);
        if (!plans.isEmpty()) {
            return plans;
        }
        if (mesh != null) {
            return List.of(Plan.of(search.job(meshes.getFirst(), stages.getLast(), recomputes.getLast()), cluster));
        }
        throw UserError.failed(String.format(Locale.ROOT, "no mesh of %d ranks divides %s and its %d x %d sequences so"
                + " that it fits into %.1f GiB a GPU.", cluster.ranks(), config, search.batchSize(),
                search.accumulation(), cluster.gpu().memoryGib()), "Give more nodes, a smaller --batch with more"
                        + " --accumulation, or allow more by --zero and --checkpointing.");
    }

    private static UserError tooLarge(Plan plan) {
        return UserError.failed(String.format(Locale.ROOT, "a rank needs %.1f GiB, and a GPU has %.1f GiB, of which"
                + " nineteen twentieths can be used.", MemoryPlan.gib(plan.memory().total()),
                plan.cluster().gpu().memoryGib()), "Leave --mesh out to be told what fits.");
    }

    private void print(List<Plan> all, List<String> remarks, PrintWriter out) {
        Plan plan = all.getFirst();
        List<Plan> others = all.stream().skip(1).limit(ALTERNATIVES).toList();
        if (json) {
            Map<String, Object> tree = PlanReport.tree(config, plan);
            tree.put("remarks", remarks);
            tree.put("alternatives", others.stream().map(other -> PlanReport.tree(config, other)).toList());
            out.print(Json.pretty(tree));
        } else {
            PlanReport.lines(config, plan).forEach(out::println);
            remarks.forEach(remark -> out.println("note       " + remark));
            if (!others.isEmpty()) {
                out.printf("%nof %d ways that fit take this one; the next%n", all.size());
                others.forEach(other -> out.println(PlanReport.alternative(other, plan)));
            }
        }
        out.flush();
    }

    /** What the table does not say of the first of the plans. */
    private List<String> remarks(MeshSearch search, Plan plan) {
        List<String> remarks = new ArrayList<>();
        if (mesh == null) {
            search.uneven(plan.cluster().ranks()).ifPresent(e -> remarks.add("replicas alone were not considered: "
                    + e.getMessage() + " " + e.advice()));
        }
        PlanReport.idle(plan).ifPresent(remarks::add);
        return remarks;
    }
}
