package org.airelab.distributed.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.OptionalInt;
import org.airelab.config.Configurations;
import org.airelab.config.Setting;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Method;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Job.State;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelPresets;
import org.airelab.torch.NativeArrays;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.nn.Shards;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryPlanTest {
    private static final ModelConfig SMALL = ModelPresets.all().get("stories260k");

    static Job job(ModelConfig model, String mesh, int zero, State state, Recompute recompute) {
        return new Job(model, MeshShape.parse(mesh, OptionalInt.empty()), 2, 8,
                new Method(Precision.BF16, state, 2, zero, recompute, Kernels.FUSED, 1));
    }

    private static MemoryPlan plan(String mesh, int zero, State state, Recompute recompute) {
        return MemoryPlan.of(job(SMALL, mesh, zero, state, recompute));
    }

    /** (weights + gradients + K) P, of which each stage of ZeRO divides one more (Rajbhandari et al. 2020). */
    @ParameterizedTest
    @CsvSource({"FLOAT32,0,4,4,8", "FLOAT32,1,4,4,1", "FLOAT32,2,4,0.5,1", "FLOAT32,3,0.5,0.5,1", "PYTORCH,3,0.5,0.5,1",
        "MIXED,0,2,2,12", "MIXED,1,2,2,1.5", "MIXED,2,2,0.25,1.5", "MIXED,3,0.25,0.25,1.5"})
    void bytesAParameterOfEightReplicas(State state, int zero, double weights, double gradients, double optimizer) {
        for (String mesh : new String[] {"dp=8", "dp=2,cp=4"}) {
            MemoryPlan memory = plan(mesh, zero, state, Recompute.NONE);
            assertEquals(SMALL.parameterCount(), memory.parameters(), 0.002 * SMALL.parameterCount());
            assertEquals(weights * memory.parameters(), memory.weights());
            assertEquals(gradients * memory.parameters(), memory.gradients());
            assertEquals(optimizer * memory.parameters(), memory.optimizer());
        }
    }

    /** The flat buffers of a rank that trains here are what the plan says, but for gaps of less than a hundredth. */
    @ParameterizedTest
    @CsvSource({"0,1,true", "1,2,true", "1,4,true", "2,2,true", "2,3,false", "3,2,true", "3,3,false"})
    void buffersOfARank(int stage, int ranks, boolean tied) {
        ModelConfig model = Configurations.load(ModelConfig.class, SMALL, null,
                List.of(Setting.parse("tie_embeddings=" + tied)));
        var setup = new TrainingSession.Setup(Device.cpu(), Precision.FP32, KernelChoice.AUTO, false, 1);
        Shards shards = switch (stage) {
            case 0 -> Shards.WHOLE;
            case 1 -> Shards.of(0, ranks, 10_000);
            default -> Shards.ofParts(0, ranks, stage);
        };
        try (TrainingSession session = new TrainingSession(setup, model, OptimizerConfig.adamW(1e-3),
                new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0), new ModelShare(shards))) {
            MemoryPlan memory = MemoryPlan.of(job(model, "dp=" + ranks, stage, State.FLOAT32, Recompute.NONE));
            assertEquals(bytes(session.parameters().weights()), memory.weights(), 0.01 * memory.weights());
            assertEquals(bytes(session.parameters().gradients()), memory.gradients(), 0.01 * memory.gradients());
            double state = session.optimizer().state().values().stream().mapToDouble(MemoryPlanTest::bytes).sum();
            assertEquals(state, memory.optimizer(), 0.01 * memory.optimizer());
            double turns = 4.0 * session.parameters().turnsSize();
            assertEquals(turns, memory.turns(), 0.01 * turns);
            assertEquals(stage >= 2, turns > 0);
        }
    }

    /** What an optimizer keeps is what its rule has buffers for. */
    @ParameterizedTest
    @CsvSource({"ADAMW,0.9", "SGD,0.9", "SGD,0", "RMSPROP,0.9", "RMSPROP,0"})
    void optimizers(OptimizerConfig.Kind kind, double momentum) {
        OptimizerConfig config = new OptimizerConfig(kind, 1e-3, 0.9, 0.95, 1e-8, 0, momentum, 0.99, 1);
        var setup = new TrainingSession.Setup(Device.cpu(), Precision.FP32, KernelChoice.AUTO, false, 1);
        try (TrainingSession session = new TrainingSession(setup, SMALL, config,
                new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0))) {
            Job job = new Job(SMALL, MeshShape.ONE, 1, 1, new Method(Precision.FP32, State.FLOAT32,
                    config.stateNames().size(), 0, Recompute.NONE, Kernels.FUSED, 1));
            double state = session.optimizer().state().values().stream().mapToDouble(MemoryPlanTest::bytes).sum();
            assertEquals(state, MemoryPlan.of(job).optimizer(), 0.01 * state);
        }
    }

    /**
     * Rounded weights of all layers stay, whatever is divided, where nothing is computed twice, else one layer's; of a
     * pipeline those of each pass under way. Beside them is the output matrix.
     */
    @Test
    void convertedWeights() {
        ModelConfig model = PlanPresets.all().get("llama2-7b").model();
        double head = 2.0 * model.dim() * model.vocabSize();
        double layer = 2 * LayerWork.of(job(model, "dp=1", 0, State.FLOAT32, Recompute.NONE)).weights();
        for (int zero = 0; zero <= 3; zero++) {
            assertEquals(32 * layer + head, converted(model, "dp=8", zero, State.FLOAT32, Recompute.NONE));
            assertEquals(layer + head, converted(model, "dp=8", zero, State.FLOAT32, Recompute.FULL));
        }
        assertEquals(4 * 8 * layer, converted(model, "pp=4", 0, State.FLOAT32, Recompute.NONE));
        assertEquals(0, converted(model, "dp=8", 1, State.MIXED, Recompute.NONE));
        double gathered = converted(model, "dp=8", 3, State.PYTORCH, Recompute.NONE);
        assertEquals(2 * layer + 2 * head, gathered, 1e-3 * gathered);
    }

    private static double converted(ModelConfig model, String mesh, int zero, State state, Recompute recompute) {
        return MemoryPlan.of(job(model, mesh, zero, state, recompute)).converted();
    }

    private static double bytes(NDArray array) {
        return array.size() * (double) NativeArrays.type(array).bytes();
    }

    /** Tensor and pipeline parallelism divide the model: over all ranks its parameters are there once, norms more. */
    @ParameterizedTest
    @ValueSource(strings = {"tp=4", "pp=4", "tp=2,pp=4"})
    void partsOfTheModel(String mesh) {
        ModelConfig model = PlanPresets.all().get("llama3-8b").model();
        Job job = job(model, mesh, 0, State.FLOAT32, Recompute.NONE);
        double all = job.mesh().tp() * (model.layers() * LayerWork.parameters(job) + LayerWork.embedding(job)
                + LayerWork.head(job));
        assertEquals(model.parameterCount(), all, 1e-3 * model.parameterCount());
        double rank = MemoryPlan.of(job).parameters();
        double end = (double) model.dim() * model.vocabSize();
        assertEquals((model.parameterCount() - 2 * end) / job.mesh().ranks()
                + (job.mesh().pp() == 1 ? 2 : 1) * end / job.mesh().tp(), rank, 1e-2 * rank);
    }

    @Test
    void lessIsKeptTheMoreIsComputedTwice() {
        double all = plan("dp=1", 0, State.FLOAT32, Recompute.NONE).activations();
        double part = plan("dp=1", 0, State.FLOAT32, Recompute.SELECTIVE).activations();
        double inputs = plan("dp=1", 0, State.FLOAT32, Recompute.FULL).activations();
        assertTrue(inputs < part && part < all, inputs + " " + part + " " + all);
    }

    /** Of a pipeline in order 1F1B the first stage keeps as many passes as there are stages. */
    @Test
    void passesOfAPipeline() {
        ModelConfig model = PlanPresets.all().get("llama2-7b").model();
        double whole = MemoryPlan.of(job(model, "dp=1", 0, State.FLOAT32, Recompute.NONE)).activations();
        double first = MemoryPlan.of(job(model, "pp=8", 0, State.FLOAT32, Recompute.NONE)).activations();
        // What differs are the logits of the last stage.
        assertEquals(whole - Math.min(1L << 29, 2.0 * 2 * model.contextLength() * model.vocabSize()), first, 1);
    }
}
