package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.airelab.nn.Decoder;
import org.airelab.nn.ExchangeMemory;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards;
import org.airelab.nn.Shards.Owned;
import org.airelab.nn.TorchOps;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Norms and updates of ranks that have divided a model in any way. */
class ShardedUpdatesTest {
    /** Each of three ranks moves what it owns, with its part of the state: together they move what one moves. */
    @ParameterizedTest
    @EnumSource(OptimizerConfig.Kind.class)
    void shardsTogetherAreTheWhole(OptimizerConfig.Kind kind) {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            FlatParameters whole = flat(manager, Shards.WHOLE);
            List<FlatParameters> ranks = Stream.of(Shards.of(0, 3, 1000), Shards.of(1, 3, 1000),
                    Shards.ofParts(1, 3, 2), Shards.ofParts(2, 3, 2), Shards.ofParts(0, 3, 3), Shards.ofParts(2, 3, 3))
                    .map(shards -> flat(manager, shards)).toList();
            Optimizer one = new Optimizer(manager, OptimizerTest.config(kind), whole, null);
            List<Optimizer> parts = ranks.stream()
                    .map(flat -> new Optimizer(manager, OptimizerTest.config(kind), flat, null)).toList();
            for (int step = 1; step <= 3; step++) {
                OptimizerTest.fill(whole, new SplittableRandom(step));
                one.step(step, 1e-2, 0.5);
                for (int i = 0; i < parts.size(); i++) {
                    giveGradients(whole, ranks.get(i));
                    parts.get(i).step(step, 1e-2, 0.5);
                }
            }
            for (int i = 0; i < parts.size(); i++) {
                FlatParameters rank = ranks.get(i);
                parts.get(i).state().values().forEach(state -> assertEquals(rank.size() / 3, state.size()));
                forOwned(whole, rank, (expected, found) -> assertArrayEquals(
                        NativeArrays.floats(whole.weights(manager, expected)),
                        NativeArrays.floats(rank.weights(manager, found)), 1e-6f));
            }
        }
    }

    private static FlatParameters flat(NDManager manager, Shards shards) {
        ScalarType type = ScalarType.FLOAT32;
        var config = TestModel.llama();
        var flat = new FlatParameters(manager, new Decoder(manager, config, type, type,
                new TorchOps(manager, config, type)), type, shards, ExchangeMemory.ANY);
        flat.initialize(1);
        return flat;
    }

    /** What a rank owns of each parameter, in the layout of the whole model's and in its own. */
    private static void forOwned(FlatParameters whole, FlatParameters rank, BiConsumer<Owned, Owned> task) {
        for (int i = 0; i < rank.slots().size(); i++) {
            FlatParameters.Slot slot = rank.slots().get(i);
            long shift = whole.slots().get(i).offset() - slot.offset();
            for (Owned range : rank.owned(slot.offset(), slot.offset() + slot.spec().elements())) {
                task.accept(new Owned(range.from() + shift, range.to() + shift, range.from() + shift), range);
            }
        }
    }

    private static void giveGradients(FlatParameters whole, FlatParameters rank) {
        try (NDManager scope = rank.gradients().getManager().newSubManager()) {
            forOwned(whole, rank, (from, to) -> NativeArrays.copy(whole.gradients(scope, from),
                    rank.gradients(scope, to)));
        }
    }

    /** The squares of what the ranks have add up, however they have divided it. */
    @Test
    void normsOfShardsAddUp() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            FlatParameters whole = flat(manager, Shards.WHOLE);
            OptimizerTest.fill(whole, new SplittableRandom(3));
            double norm = new GradientNorm(whole, null, spec -> true).owned();
            double last = new GradientNorm(whole, null, spec -> true).of(whole.slots().getLast());
            for (int stage = 1; stage <= 3; stage++) {
                double squares = 0;
                double lastSquares = 0;
                for (int rank = 0; rank < 3; rank++) {
                    FlatParameters flat = flat(manager, stage == 1 ? Shards.of(rank, 3, 320)
                            : Shards.ofParts(rank, 3, stage));
                    giveGradients(whole, flat);
                    squares += Math.pow(new GradientNorm(flat, null, spec -> true).owned(), 2);
                    lastSquares += Math.pow(new GradientNorm(flat, null, spec -> true).of(flat.slots().getLast()), 2);
                }
                assertEquals(norm, Math.sqrt(squares), 1e-9 * norm);
                assertEquals(last, Math.sqrt(lastSquares), 1e-9 * last);
            }
        }
    }
}
