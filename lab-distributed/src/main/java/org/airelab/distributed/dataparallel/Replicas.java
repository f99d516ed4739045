package org.airelab.distributed.dataparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.nn.ExchangeMemory;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.PartMemory;
import org.airelab.train.TrainingSession;

/**
 * Ranks that train the same parameters on different tokens, seen by one of them: all start from the same state, and
 * every step leaves them in the same state, of which each may keep a share alone. All ranks call the same methods in
 * the same order. There may be one rank only.
 */
public final class Replicas {
    /** Null of a run of one rank. */
    private final ProcessGroup group;
    private final Device device;
    private final Settings settings;
    private final Exchange exchange;
    private GradientSums sums;

    /** When gradients are summed over the ranks. */
    public enum Gradients {
        /** In buckets, while the backward pass goes on. */
        BUCKETED,
        /** Parameter by parameter after it. */
        NAIVE
    }

    /**
     * How ranks work together; none of it decides what they compute, but for rounding.
     *
     * @param gradients   when they are summed
     * @param bucketBytes bytes of a bucket; from stage 2 on the parts of the model are the buckets
     * @param zero        the stage of ZeRO: 0 divides nothing among the ranks, 1 the optimizer's state, 2 gradients,
     *                    too, and 3 weights, too
     * @param checkEvery  steps after which the ranks' weights are compared
     */
    public record Settings(Gradients gradients, long bucketBytes, int zero, long checkEvery) {
        public Settings {
            if (zero < 0 || zero > 3) {
                throw UserError.badInput("--zero must be 0, 1, 2 or 3, found " + zero + ".", "Give one of them.");
            }
            if (zero > 0 && gradients == Gradients.NAIVE) {
                throw UserError.badInput("--zero " + zero + " sums gradients during the backward pass, and --gradients"
                        + " naive asks for another way.", "Leave one of them out.");
            }
        }

        private long bucketElements() {
            return bucketBytes / Float.BYTES;
        }
    }

    private Replicas(ProcessGroup group, Device device, Settings settings) {
        this.group = group;
        this.device = device;
        this.settings = settings;
        this.exchange = group == null ? null : new Exchange(group, device);
    }

    /** A run of one rank. */
    public static Replicas alone(Device device) {
        return new Replicas(null, device, null);
    }

    /**
     * The ranks of a group, which stays the caller's.
     *
     * @param device of this rank, in whose memory the group's collectives work
     */
    public static Replicas of(ProcessGroup group, Device device, Settings settings) {
        return new Replicas(group, device, settings);
    }

    /** This rank's device. */
    public Device device() {
        return device;
    }

    /** This rank, from 0. */
    public int rank() {
        return group == null ? 0 : group.rank();
    }

    /** The number of ranks. */
    public int size() {
        return group == null ? 1 : group.size();
    }

    /**
     * Refuses ranks that were given different things.
     *
     * @param other what is told of ranks that differ, such as "another configuration"
     * @param mine  what this rank has, or a hash of it
     * @throws UserError (bad input), on all ranks, that names those which have something else than rank 0
     */
    public void requireSame(String other, String mine) {
        if (group != null) {
            byte[] bytes = mine.getBytes(StandardCharsets.UTF_8);
            CRC32C crc = new CRC32C();
            crc.update(bytes);
            requireSame(exchange.all(crc.getValue(), bytes.length), different -> UserError.badInput(different
                    + " " + other + " than " + group.who(0) + ".",
                    "Start all ranks with the same command, on the same data."));
        }
    }

    private void requireSame(long[][] all, Function<String, UserError> error) {
        String different = IntStream.range(1, all.length).filter(i -> !Arrays.equals(all[i], all[0]))
                .mapToObj(group::who).collect(Collectors.joining(", "));
        if (!different.isEmpty()) {
            throw error.apply(different + (different.contains(",") ? " have" : " has"));
        }
    }

    /** Makes rank 0's weights those of all, where each has all, and lets the ranks share their steps, in float32. */
    public void begin(TrainingSession session) {
        if (group == null) {
            return;
        }
        if (!session.parameters().shards().dividesWeights()) {
            exchange.send(session.parameters().weights());
        }
        sums = sums(session.parameters());
        session.trainer().shareSteps(sums);
        if (sums instanceof PartMemory parts) {
            session.engine().keepPartsIn(parts);
        }
    }

    /** Makes rank 0's clocks those of all: the trainer's, the scaler's and the guard's memory. */
    public void shareClocks(TrainingSession session, DivergenceGuard guard) {
        SharedState.fromFirst(exchange, session, guard);
    }

    private GradientSums sums(FlatParameters parameters) {
        return switch (settings.zero) {
            case 3 -> new GatheredParts(group, parameters);
            case 2 -> new PartSums(group, parameters);
            case 1 -> new BucketedSums(group, parameters, parameters.shards().buckets(parameters.parts()));
            default -> switch (settings.gradients) {
                case BUCKETED -> new BucketedSums(group, parameters,
                        Shards.of(0, 1, settings.bucketElements()).buckets(parameters.parts()));
                case NAIVE -> new NaiveSums(group, parameters);
            };
        };
    }

    /** What of the model this rank is to update, and to keep. */
    public Shards shards() {
        if (group == null || settings.zero == 0) {
            return Shards.WHOLE;
        }
        return settings.zero == 1 ? Shards.of(rank(), size(), settings.bucketElements())
                : Shards.ofParts(rank(), size(), settings.zero);
    }

    /**
     * Where the gradients are to lie that these ranks sum, and the weights that they gather: in memory that they have
     * together, if they can. It is the group's, until that is closed.
     */
    public ExchangeMemory memory() {
        return group == null || device.isGpu() ? ExchangeMemory.ANY : group::allocateShared;
    }

    /** Fills an array on all ranks with rank 0's. */
    public void send(NDArray array) {
        if (group != null) {
            exchange.send(array);
        }
    }

    /** Rank 0's text, on all ranks. */
    public String fromFirst(String mine) {
        return group == null ? mine : exchange.fromFirst(mine);
    }

    /**
     * After a step: compares the ranks' weights where that is due. Of ZeRO's third stage there is nothing to compare:
     * no number is on two ranks.
     *
     * @throws UserError on all ranks, that names those whose weights are not rank 0's
     */
    public void check(long step, NDArray weights) {
        if (settings != null && settings.zero < 3) {
            check(step, "weights", () -> Checksum.of(weights));
        }
    }

    /**
     * The same of ranks that have different parts of the same layers, in tensor parallelism: compared is what all of
     * them have of the parameters that are not divided, as far as it is theirs to update.
     *
     * @throws UserError on all ranks, that names those whose weights are not rank 0's
     */
    public void checkUndivided(long step, FlatParameters parameters) {
        check(step, "undivided weights", () -> Checksum.of(parameters, parameters.ownedUndivided()));
    }

    private void check(long step, String what, LongSupplier checksum) {
        if (group == null || step % settings.checkEvery != 0) {
            return;
        }
        long[][] all = exchange.all(checksum.getAsLong());
        requireSame(all, different -> UserError.lost(String.format(Locale.ROOT, "after step %,d %s other %s than %s"
                + " (checksums of those that have the same: %s).", step, different, what, group.who(0),
                Arrays.stream(all)
                        .map(one -> HexFormat.of().toHexDigits((int) one[0])).collect(Collectors.joining(", "))),
                "Suspect memory or a kernel whose results depend on timing; resume from the last checkpoint."));
    }

    /** The sum of all ranks' numbers: the same bits on each. */
    public double sum(double mine) {
        return group == null ? mine : exchange.sum(mine);
    }

    /** Waits until all ranks have come here. */
    public void barrier() {
        if (group != null) {
            group.barrier().await();
        }
    }

    /**
     * Seconds in which a rank has done nothing but wait for sums of gradients and for the weights that others have
     * updated: of each step those of the rank that waited longest, added up; the same on all of these ranks. The wait
     * for weights at a step's end counts for the next one. On GPUs, where a stream waits and the host goes on, there is
     * next to nothing to see of it.
     */
    public double waitedSeconds() {
        return sums == null ? 0 : sums.waitedSeconds();
    }

    /** How they work together, in words. */
    public String describe() {
        String during = " during the backward pass";
        String buckets = String.format(Locale.ROOT, "in buckets of %.1f MB", settings.bucketBytes / 1e6) + during;
        return size() + " ranks, each with its tokens of every batch; gradients summed " + switch (settings.zero) {
            case 3 -> "part of the model by part" + during + ", each share on the rank that updates it, which alone"
                    + " keeps its weights (ZeRO-3)";
            case 2 -> "part of the model by part" + during + ", each share on the rank that updates it (ZeRO-2)";
            case 1 -> buckets + ", each share on the rank that updates it (ZeRO-1)";
            default -> settings.gradients == Gradients.BUCKETED ? buckets
                    : "parameter by parameter after the backward pass";
        };
    }

    /** Lets the other ranks know that this one cannot go on, and why. */
    public void stopped(Throwable cause) {
        if (group != null) {
            group.abort(Failures.stopped(group, cause));
        }
    }
}
