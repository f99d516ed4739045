package org.airelab.train;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;
import java.util.Locale;
import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.kernels.cuda.MissingCudaException;
import org.airelab.nn.ContextDivision;
import org.airelab.nn.Decoder;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.FusedOps;
import org.airelab.nn.LayerOps;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.TensorDivision;
import org.airelab.nn.TorchOps;
import org.airelab.torch.DeviceKernels;
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
    private final DeviceKernels deviceKernels;
    private final FusedOps fused;
    private final String kernels;

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
                throw UserError.badInput("the lab's training kernels compute in fp32, on a GPU also in bf16 and fp16,"
                        + " asked for on " + Devices.name(device) + " in " + precision.name().toLowerCase(Locale.ROOT),
                        "Use --kernels auto or torch.");
            }
        }

        private static boolean haveKernels(Device device, Precision precision) {
            return precision == Precision.FP32 || device.isGpu() && precision != Precision.FP64;
        }

        /**
         * The lab's kernels; null for libtorch's. Where they are asked for and cannot be had the session does not come
         * about, and its manager is closed.
         */
        private DeviceKernels open(NDManager manager) {
            if (kernels == KernelChoice.TORCH || !haveKernels(device, precision)) {
                return null;
            }
            try {
                return DeviceKernels.on(device);
            } catch (MissingCudaException e) {
                if (kernels == KernelChoice.AUTO) {
                    return null;
                }
                manager.close();
                throw UserError.machine(e.getMessage(), e.advice());
            }
        }

        private void require(Optional<String> missing) {
            if (kernels == KernelChoice.OURS && missing.isPresent()) {
                throw UserError.badInput("the lab has no kernel for " + missing.get(), "Use --kernels auto or torch,"
                        + " or another model: --set model.dropout=0 for one without dropout.");
            }
        }

        /** Attention to the tokens of other ranks is that of the lab's kernels. */
        private void requireAttention(ContextDivision division, ModelConfig config, boolean ours,
                Optional<String> missing) {
            division.requireDivisible(config.contextLength());
            if (division.ranks() > 1 && !ours) {
                throw UserError.badInput("context parallelism needs the lab's kernels, and this run would compute on "
                        + Devices.name(device) + " in " + precision.name().toLowerCase(Locale.ROOT)
                        + " with libtorch's.",
                        "Use --kernels ours with --precision fp32, on a GPU also bf16 or fp16, or a mesh without cp.");
            }
            if (division.ranks() > 1 && missing.isPresent()) {
                throw UserError.badInput("context parallelism needs the lab's kernels, and there is none for "
                        + missing.get() + ".", "Use another model, such as one with --set model.dropout=0, or a mesh"
                        + " without cp.");
            }
        }

        private static String inWords(boolean fused, Optional<String> missing, TensorDivision division) {
            return fused ? "the lab's kernels (libtorch's for products" + (division.ranks() > 1
                    ? ", embeddings and the loss" : " and embeddings")
                    + missing.map(what -> ", and for " + what).orElse("") + ")" : "libtorch's kernels";
        }
    }

    /**
     * Builds the model with fresh weights and an optimizer at its start.
     *
     * @throws UserError when the setup insists on kernels that the configuration's layers do not have
     */
    public TrainingSession(Setup setup, ModelConfig config, OptimizerConfig optimizerConfig, Schedule schedule) {
        this(setup, config, optimizerConfig, schedule, ModelShare.WHOLE);
    }

    /**
     * The same of a rank that has its share of the model; it is to be closed before what gives memory for gradients
     * takes that back.
     */
    public TrainingSession(Setup setup, ModelConfig config, OptimizerConfig optimizerConfig, Schedule schedule,
            ModelShare share) {
        manager = NDManager.newBaseManager(setup.device);
        deviceKernels = setup.open(manager);
        FusedOps ours = null;
        try {
            Precision precision = setup.precision;
            Optional<String> missing = deviceKernels == null ? Optional.empty()
                    : FusedOps.missing(config, deviceKernels, precision.computed());
            setup.require(missing);
            setup.requireAttention(share.context().division(), config, deviceKernels != null, missing);
            kernels = Setup.inWords(deviceKernels != null, missing, share.tensors());
            TorchOps plain = new TorchOps(manager, config, precision.kept(), share.tensors());
            ours = deviceKernels != null ? new FusedOps(config, deviceKernels, precision.computed(), plain,
                    share.context(), share.tensors()) : null;
            LayerOps ops = ours != null ? ours : plain;
            Decoder model = new Decoder(manager, config, precision.kept(), precision.computed(), ops,
                    share.stages(config), share.tensors());
            parameters = new FlatParameters(manager, model, precision.kept(), share.shards(),
                    share.exchanged());
            parameters.initialize(setup.seed);
            ParameterStore store = new ParameterStore(manager, false);
            LossHead head = model.head() == null ? null : lossHead(model, store, share.tensors());
            engine = new LayerwiseEngine(manager, model, store, head, setup.checkpointing, setup.seed);
            optimizer = new Optimizer(manager, optimizerConfig, parameters, deviceKernels);
            scaler = new LossScaler(precision);
            trainer = new Trainer(engine, parameters, optimizer, optimizerConfig, schedule, scaler,
                    new GradientNorm(parameters, deviceKernels, share::counts));
            fused = ours;
        } catch (RuntimeException | Error e) {
            close(manager, ours, deviceKernels);
            throw e;
        }
    }

    private LossHead lossHead(Decoder model, ParameterStore store, TensorDivision division) {
        if (division.ranks() > 1) {
            return new FusedLossHead(manager, model.head(), store,
                    new DividedRowLoss(manager, division, model.config().vocabSize()));
        }
        return deviceKernels != null ? new FusedLossHead(manager, model.head(), store, deviceKernels)
                : new TorchLossHead(manager, model.head(), store);
    }

    private static void close(NDManager manager, FusedOps ops, DeviceKernels kernels) {
        manager.close();
        if (ops != null) {
            ops.close();
        }
        if (kernels != null) {
            kernels.close();
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

    /** Whose kernels compute it, in words. */
    public String kernels() {
        return kernels;
    }

    @Override
    public void close() {
        close(manager, fused, deviceKernels);
    }
}
