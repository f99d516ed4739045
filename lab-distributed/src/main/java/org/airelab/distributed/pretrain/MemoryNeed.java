package org.airelab.distributed.pretrain;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.distributed.dataparallel.BatchShare;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards;
import org.airelab.tracking.Hardware;
import org.airelab.train.Precision;

/**
 * The least memory a rank can do with. What asks for more than the device has is refused at the start, and not by the
 * operating system in the middle of the first step.
 *
 * @param state       bytes of weights, gradients and the optimizer's buffers
 * @param activations bytes of what passes between the layers, kept from the forward to the backward pass
 * @param tokens      bytes of the token ids of a step, on the Java heap
 */
record MemoryNeed(double state, double activations, double tokens) {
    private static final double GIB = 1L << 30;

    /**
     * Of a rank of a run as it is configured.
     *
     * @param share  its samples of a step
     * @param shards what is divided among ranks; the memory that parts of the model then have by turns is not counted
     * @param mesh   among whose ranks layers, their insides and sequences are divided
     */
    static MemoryNeed of(PretrainConfig config, BatchShare share, Shards shards, MeshShape mesh) {
        ModelConfig model = config.model();
        Precision precision = config.run().precision();
        double positions = (double) share.rows() * model.contextLength();
        double part = 1.0 / shards.ranks();
        double numbers = (shards.dividesWeights() ? part : 1) + (shards.dividesGradients() ? part : 1)
                + part * config.optimizer().stateNames().size();
        double layers = (double) model.layers() / mesh.pp();
        return new MemoryNeed(numbers * precision.kept().bytes() * model.parameterCount() / mesh.tp() / mesh.pp(),
                positions / mesh.cp() / mesh.tp() * model.dim() * layers * precision.computed().bytes(),
                2.0 * Long.BYTES * positions * share.passes());
    }

    /** Refuses what this device cannot hold. */
    void check(Device device) {
        long memory = device.isGpu() ? CudaUtils.getGpuMemory(device).getMax() : Hardware.totalMemory();
        String where = device.isGpu() ? "the GPU" : "this machine";
        require(state, memory, "the weights and the optimizer's state need", where, "Choose a smaller model.");
        require(state + activations, memory, "the model and the activations of one batch need", where,
                "Lower train.batch_size, and raise train.accumulation to make up for it.");
        require(tokens, Runtime.getRuntime().maxMemory(), "the token ids of one step need", "the Java heap",
                "Lower train.accumulation or train.batch_size, or allow a larger heap: LAB_JAVA_OPTS=-Xmx16g lab ...");
    }

    private static void require(double need, long have, String what, String where, String advice) {
        if (need > have) {
            throw UserError.machine(String.format(Locale.ROOT, "%s at least %,.1f GiB, and %s has %,.1f GiB.", what,
                    need / GIB, where, have / GIB), advice);
        }
    }
}
