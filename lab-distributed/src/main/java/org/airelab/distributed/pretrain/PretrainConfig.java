package org.airelab.distributed.pretrain;

import java.nio.file.Path;
import java.util.Objects;
import org.airelab.data.DataSpec;
import org.airelab.nn.ModelConfig;
import org.airelab.train.KernelChoice;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;

/**
 * Everything that decides what a run computes, and how it is watched.
 *
 * @param preset    the name it started from
 * @param model     the model
 * @param data      what it learns from
 * @param train     how long and in which portions
 * @param optimizer update rule
 * @param schedule  learning rate over time
 * @param run       device, precision, and how the run is watched and kept
 */
public record PretrainConfig(String preset, ModelConfig model, DataSection data, TrainSection train,
        OptimizerConfig optimizer, ScheduleSection schedule, RunSection run) {
    /** Its file in a run's folder. */
    public static final String FILE = "config.yaml";

    /**
     * What the model learns from.
     *
     * @param train     specification of the training text
     * @param valid     specification of the validation text; empty takes a part of the training text
     * @param tokenizer a tokenizer.json; empty trains one of model.vocab_size tokens on the training text
     */
    public record DataSection(String train, String valid, String tokenizer) {
        public DataSection {
            Objects.requireNonNull(tokenizer, "tokenizer");
            DataSpec.parse(Objects.requireNonNull(train, "train"));
            if (!Objects.requireNonNull(valid, "valid").isEmpty()) {
                DataSpec.parse(valid);
            }
        }

        /** The same data, named so that it is found from any working folder. */
        DataSection absolute() {
            return new DataSection(DataSpec.parse(train).absolute().toString(),
                    valid.isEmpty() ? "" : DataSpec.parse(valid).absolute().toString(),
                    tokenizer.isEmpty() ? "" : Path.of(tokenizer).toAbsolutePath().toString());
        }
    }

    /**
     * How long and in which portions; a step's tokens are batch_size x accumulation x model.context_length.
     *
     * @param steps        optimizer steps
     * @param batchSize    sequences of a forward pass
     * @param accumulation forward passes of a step
     * @param seed         of weights, data order and dropout
     * @param checkpointing whether activations are computed twice to save memory
     */
    public record TrainSection(long steps, int batchSize, int accumulation, long seed, boolean checkpointing) {
        public TrainSection {
            require(steps >= 1, "steps must be at least 1, found " + steps);
            require(batchSize >= 1, "batch_size must be at least 1, found " + batchSize);
            require(accumulation >= 1, "accumulation must be at least 1, found " + accumulation);
        }
    }

    /**
     * Learning rate over time; the peak is optimizer.learning_rate.
     *
     * @param decay         shape after the warm-up
     * @param warmupFraction part of the steps that is linear warm-up
     * @param finalFraction what is left of the peak at the end
     */
    public record ScheduleSection(Schedule.Decay decay, double warmupFraction, double finalFraction) {
        public ScheduleSection {
            Objects.requireNonNull(decay, "decay");
            require(warmupFraction >= 0 && warmupFraction <= 1,
                    "warmup_fraction must be between 0 and 1, found " + warmupFraction);
            require(finalFraction >= 0 && finalFraction <= 1,
                    "final_fraction must be between 0 and 1, found " + finalFraction);
        }
    }

    /**
     * Device, precision, and how the run is watched and kept.
     *
     * @param device          auto, cpu, cuda or cuda:N
     * @param precision       types of the computation
     * @param kernels         whose kernels compute the layers
     * @param evalEvery       steps between validations
     * @param evalTokens      most validation tokens a validation reads
     * @param checkpointEvery steps between checkpoints
     * @param keepCheckpoints newest checkpoints kept
     * @param divergenceScore standard deviations above the mean at which a loss counts as diverging; 0 for never
     */
    public record RunSection(String device, Precision precision, KernelChoice kernels, long evalEvery, long evalTokens,
            long checkpointEvery, int keepCheckpoints, double divergenceScore) {
        public RunSection {
            Objects.requireNonNull(device, "device");
            Objects.requireNonNull(precision, "precision");
            Objects.requireNonNull(kernels, "kernels");
            require(evalEvery >= 1, "eval_every must be at least 1, found " + evalEvery);
            require(evalTokens >= 1, "eval_tokens must be at least 1, found " + evalTokens);
            require(checkpointEvery >= 1, "checkpoint_every must be at least 1, found " + checkpointEvery);
            require(keepCheckpoints >= 1, "keep_checkpoints must be at least 1, found " + keepCheckpoints);
            require(divergenceScore >= 0, "divergence_score must be at least 0, found " + divergenceScore);
        }
    }

    public PretrainConfig {
        Objects.requireNonNull(preset, "preset");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(data, "data");
        Objects.requireNonNull(train, "train");
        Objects.requireNonNull(optimizer, "optimizer");
        Objects.requireNonNull(schedule, "schedule");
        Objects.requireNonNull(run, "run");
        long tokens = (long) train.batchSize * model.contextLength();
        require(tokens <= Integer.MAX_VALUE, "train.batch_size times model.context_length must be at most "
                + Integer.MAX_VALUE + ", found " + train.batchSize + " times " + model.contextLength());
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** The same run, whose data is found from any working folder: what a run keeps to be resumed by. */
    public PretrainConfig withAbsolutePaths() {
        return new PretrainConfig(preset, model, data.absolute(), train, optimizer, schedule, run);
    }

    /** The same run of a model with another vocabulary. */
    public PretrainConfig withVocabSize(int size) {
        return new PretrainConfig(preset, model.withVocabSize(size), data, train, optimizer, schedule, run);
    }

    /** The learning rate over this run. */
    public Schedule learningRates() {
        return new Schedule(schedule.decay, Math.round(schedule.warmupFraction * train.steps), train.steps,
                optimizer.learningRate(), schedule.finalFraction);
    }

    /** Tokens of one optimizer step. */
    public long tokensPerStep() {
        return (long) train.batchSize * train.accumulation * model.contextLength();
    }
}
