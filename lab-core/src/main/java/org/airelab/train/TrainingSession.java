package org.airelab.train;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.nn.Decoder;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.FusedOps;
import org.airelab.nn.LayerOps;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.TorchOps;
import org.airelab.torch.Devices;

/**
 * A model on a device with everything that trains it. Closing it frees all of its memory.
 */
public final class TrainingSession implements AutoCloseable {
    private final NDManager manager;
    private final FlatParameters parameters;
    private final Optimizer optimizer;
    private final LayerwiseEngine engine;
    private final LossScaler scaler;
    private final Trainer trainer;
    private final boolean fused;

    /**
     * What a session is made of.
     *
     * @param device        where it computes
     * @param precision     in which types
     * @param kernels       with whose kernels
     * @param checkpointing whether activations are computed twice to save memory
     * @param seed          of weights and dropout
     */
    public record Setup(Device device, Precision precision, KernelChoice kernels, boolean checkpointing, long seed) {
        /** @throws UserError when there are no kernels of that choice */
        public Setup {
            if (kernels == KernelChoice.OURS && !haveKernels(device, precision)) {
                throw UserError.badInput("the lab's training kernels run on the CPU in fp32, asked for on " + Devices.name(device)
                        + " in " + precision.name().toLowerCase(Locale.ROOT), "Use --kernels auto or torch.");
            }
        }

        private static boolean haveKernels(Device device, Precision precision) {
            return !device.isGpu() && precision == Precision.FP32;
        }

        private boolean fused() {
            return haveKernels(device, precision) && kernels != KernelChoice.TORCH;
        }
    }

    /** Builds the model with fresh weights and an optimizer at its start. */
    public TrainingSession(Setup setup, ModelConfig config, OptimizerConfig optimizerConfig, Schedule schedule) {
        manager = NDManager.newBaseManager(setup.device);
        try {
            fused = setup.fused();
            Precision precision = setup.precision;
            TorchOps plain = new TorchOps(manager, config, precision.kept());
            LayerOps ops = fused ? new FusedOps(config, plain) : plain;
            Decoder model = new Decoder(manager, config, precision.kept(), precision.computed(), ops);
            parameters = new FlatParameters(manager, model, precision.kept(), true);
            parameters.initialize(setup.seed);
            ParameterStore store = new ParameterStore(manager, false);
            LossHead head = fused ? new FusedLossHead(model.head(), store)
                    : new TorchLossHead(manager, model.head(), store);
            engine = new LayerwiseEngine(manager, model, store, head, setup.checkpointing, setup.seed);
            optimizer = new Optimizer(manager, optimizerConfig, parameters, fused);
            scaler = new LossScaler(precision);
            trainer = new Trainer(engine, head, parameters, optimizer, optimizerConfig, schedule, scaler);
        } catch (RuntimeException | Error e) {
            manager.close();
            throw e;
        }
    }

    /** Parent of all arrays; its device is the session's. */
    public NDManager manager() {
        return manager;
    }

    /** Weights and gradients. */
    public FlatParameters parameters() {
        return parameters;
    }

    /** The optimizer and its state. */
    public Optimizer optimizer() {
        return optimizer;
    }

    /** Forward and backward passes. */
    public LayerwiseEngine engine() {
        return engine;
    }

    /** The scale of float16's loss. */
    public LossScaler scaler() {
        return scaler;
    }

    /** Steps. */
    public Trainer trainer() {
        return trainer;
    }

    /** Whether the lab's own kernels compute it. */
    public boolean fused() {
        return fused;
    }

    @Override
    public void close() {
        manager.close();
    }
}
