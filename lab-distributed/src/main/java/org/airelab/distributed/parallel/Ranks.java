package org.airelab.distributed.parallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.airelab.base.UserError;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.contextparallel.ContextParallel;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.mesh.Mesh;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.pipeline.Pipeline;
import org.airelab.distributed.pipeline.PipelinePlan;
import org.airelab.distributed.tensorparallel.TensorParallel;
import org.airelab.distributed.tensorparallel.TensorSums;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards;
import org.airelab.nn.Shards.Piece;
import org.airelab.nn.TensorDivision;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.ModelShare;
import org.airelab.train.Trainer;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/**
 * The ranks of a run that train one model together, seen by one of them. All ranks call the same methods in the same
 * order: {@link #share}, then with a session of that share {@link #begin}. A run may have one rank only.
 */
public final class Ranks implements AutoCloseable {
    private final Device device;
    private final Division division;
    /** Null of a run of one rank. */
    private final Mesh mesh;
    /** All ranks, for what they tell each other. */
    private final Replicas all;
    /** Those with the same parameters. */
    private final Replicas replicas;
    /** Those with other parts of the same layers. */
    private final Replicas partners;
    private ModelShare share;
    /** Null where no ranks share a model or a sequence. */
    private ModelWaits waits;
    private TensorParallel tensors;
    private PipelinePlan plan;
    private Pipeline pipeline;
    private Runnable onStop = () -> { };

    private Ranks(Mesh mesh, Device device, Division division) {
        this.mesh = mesh;
        this.device = device;
        this.division = division;
        this.all = among(mesh == null ? null : mesh.world());
        this.replicas = among(mesh == null ? null : mesh.replicas());
        this.partners = among(mesh == null ? null : mesh.tensor());
    }

    /** The ranks of a group; null for this one alone. */
    private Replicas among(ProcessGroup group) {
        return group == null ? Replicas.alone(device) : Replicas.of(group, device, division.replicas());
    }

    /** A run of one rank. */
    public static Ranks alone(Device device) {
        return new Ranks(null, device, null);
    }

    /**
     * The ranks of a group, which is closed with this. All are to be given the same division, or none goes on.
     *
     * @param device of this rank, in whose memory the group's collectives work
     */
    public static Ranks of(ProcessGroup world, Device device, Division division) {
        Replicas.of(world, device, division.replicas()).requireSame("other options of ranks", division.toString());
        return new Ranks(new Mesh(world, division.mesh()), device, division);
    }

    /** This rank's device. */
    public Device device() {
        return device;
    }

    /** This rank, from 0. */
    public int rank() {
        return all.rank();
    }

    /** The number of ranks. */
    public int size() {
        return all.size();
    }

    /** The sizes of the mesh. */
    public MeshShape mesh() {
        return mesh == null ? MeshShape.ONE : mesh.shape();
    }

    /** This rank's place among those that take different samples. */
    public int sampler() {
        return mesh == null ? 0 : mesh.place().dp();
    }

    /** How many take different samples. */
    public int samplers() {
        return mesh == null ? 1 : mesh.shape().dp();
    }

    /** See {@link Replicas#requireSame}. */
    public void requireSame(String other, String mine) {
        all.requireSame(other, mine);
    }

    /** What of a rank's parameters it updates, and keeps. */
    public Shards shards() {
        return replicas.shards();
    }

    /**
     * What of the model this rank has. It is asked for once. Replicas make their sessions of it at once.
     *
     * @param passes of a step of each sampler
     * @throws UserError (bad input) when the model or a step cannot be divided
     */
    public ModelShare share(ModelConfig model, int passes) {
        if (mesh == null) {
            share = ModelShare.WHOLE;
            return share;
        }
        division.require(model, passes);
        waits = sharesModel() ? new ModelWaits(mesh.world(), device) : null;
        tensors = mesh.tensor() == null ? null
                : new TensorParallel(timed(mesh.tensor()), division.sequenceParallel());
        plan = mesh.pipeline() == null ? null : division.plan(model);
        share = new ModelShare(shards(), plan == null ? List.of() : plan.stages(mesh.place().pp()),
                ContextParallel.over(timed(mesh.context())), tensors == null ? TensorDivision.NONE : tensors,
                replicas.memory());
        return share;
    }

    /** Whether ranks share a model or a sequence. */
    private boolean sharesModel() {
        return mesh.model() != null || mesh.context() != null;
    }

    private ProcessGroup timed(ProcessGroup group) {
        return group == null ? null : waits.timed(group);
    }

    /**
     * Makes rank 0's clocks those of all, and replicas' weights the same, and lets the ranks share their steps.
     *
     * @throws UserError (bad input) when gradients are not float32
     */
    public void begin(TrainingSession session, DivergenceGuard guard) {
        if (mesh == null) {
            return;
        }
        requireFloat32(session);
        all.shareClocks(session, guard);
        replicas.begin(session);
        if (tensors != null) {
            session.trainer().shareSteps(new TensorSums(timed(mesh.tensor()), session.trainer().exchange(),
                    tensors, session));
        }
        if (plan != null) {
            pipeline = Pipeline.begin(mesh.pipeline(), plan, session);
            waits.with(pipeline);
        }
    }

    /** Refuses gradients of another type than that in which ranks sum them. */
    private static void requireFloat32(TrainingSession session) {
        ScalarType type = NativeArrays.type(session.parameters().gradients());
        if (type != ScalarType.FLOAT32) {
            throw UserError.badInput("several ranks sum gradients in float32, and this run's are " + type + ".",
                    "Use --precision fp32, bf16 or fp16.");
        }
    }

    /** Whether no rank has all of the state that training goes on from. */
    public boolean divided() {
        return mesh != null && (mesh.model() != null || shards().stage() > 0);
    }

    /** The pieces of the parameters' layout that this rank writes into checkpoints: each element has one writer. */
    public List<Piece> writes(FlatParameters parameters) {
        return WrittenPieces.of(parameters, share, pipeline == null ? 0 : pipeline.firstOwn(), replicas);
    }

    /** Fills an array on all ranks with rank 0's; every rank has all of the model. */
    public void send(NDArray array) {
        replicas.send(array);
    }

    /** Rank 0's text, on all ranks. */
    public String fromFirst(String mine) {
        return all.fromFirst(mine);
    }

    /**
     * See {@link Replicas#check}: ranks with the same parameters are compared, and those of tensor parallelism in the
     * parameters that they all have.
     */
    public void check(long step, FlatParameters parameters) {
        replicas.check(step, parameters.weights());
        partners.checkUndivided(step, parameters);
    }

    /** The sum over ranks with different tokens of what each has of a sum over tokens: the same bits on each. */
    public double sum(double mine) {
        return replicas.sum(mine);
    }

    /** Every rank's number, in their order. All ranks ask. */
    public long[] gather(long mine) {
        return mesh == null ? new long[] {mine} : mesh.world().gather(mine);
    }

    /** Waits until all ranks have come here. */
    public void barrier() {
        all.barrier();
    }

    /** A step of the trainer of the session that they have begun with. */
    public StepReport step(Trainer trainer, List<TokenBatch> batches) {
        return waits == null ? trainer.step(batches) : waits.step(() -> trainer.step(batches));
    }

    /** See {@link Replicas#waitedSeconds}: of the ranks with the same parameters as this one. */
    public double gradientWaitSeconds() {
        return replicas.waitedSeconds();
    }

    /**
     * Seconds of {@link #step steps} in which a rank has done nothing but wait for those of tensor, context and
     * pipeline parallelism, in collectives and for messages: of each step those of the rank that waited longest, added
     * up; the same on all ranks. Of a pipeline's ranks it is the bubble, of which {@link #bubble} tells the mean over
     * the ranks, and what is sent in between. On GPUs it is the time for which their streams stand still. Empty where
     * ranks are replicas only.
     */
    public OptionalDouble communicationWaitSeconds() {
        return waits == null ? OptionalDouble.empty() : OptionalDouble.of(waits.seconds());
    }

    /** How the pipeline's ranks have waited, in words; empty without one. All ranks ask. */
    public String bubble(int passes) {
        return pipeline == null || pipeline.stepSeconds() == 0 ? "" : String.format(Locale.ROOT, "ranks waited for"
                + " other stages %.1f %% of the steps' time; (p - 1) / (v m + p - 1) is %.1f %%",
                100 * pipeline.bubble(), 100 * plan.bubble(passes));
    }

    /** Whether there is a group that they exchange arrays by: one rank has one where it was asked for. */
    public boolean grouped() {
        return mesh != null;
    }

    /** How they work together, in words, where they have a group. */
    public String describe() {
        return (sharesModel() ? size() + " ranks, mesh " + mesh.shape() + ": " : "")
                + String.join("; ", Ways.of(mesh, replicas, tensors, plan)) + "; arrays exchanged by " + mesh.world();
    }

    /** What {@link #stopped} is to do before others know. */
    public void onStop(Runnable first) {
        onStop = first;
    }

    /** Lets the other ranks know that this one cannot go on, and why. */
    public void stopped(Throwable cause) {
        onStop.run();
        if (mesh != null) {
            mesh.abort(Failures.stopped(mesh.world(), cause));
        }
    }

    /** After the session. */
    @Override
    public void close() {
        if (pipeline != null) {
            pipeline.close();
        }
        if (tensors != null) {
            tensors.close();
        }
        if (waits != null) {
            waits.close();
        }
        if (mesh != null) {
            mesh.close();
        }
    }
}
