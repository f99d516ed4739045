package org.airelab.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class DecoderTest {
    /** Shorter than the context, so that tables are cut. */
    private static final int TIME = 5;

    /** Norm, placement, positions and feed-forward; the three switches are combined in each test. */
    static Stream<ModelConfig> kinds() {
        return Stream.of(Norm.values()).flatMap(norm -> Stream.of(NormPlacement.values()).flatMap(placement ->
                Stream.of(Positions.values()).flatMap(positions -> Stream.of(FeedForwardKind.values())
                        .map(feedForward -> config(norm, placement, positions, feedForward, 3, false, false)))));
    }

    /** Epsilon and theta matter at these sizes; epsilon is exact in float32, in which DJL hands it to LayerNorm. */
    private static ModelConfig config(Norm norm, NormPlacement placement, Positions positions,
            FeedForwardKind feedForward, int kvHeads, boolean bias, boolean tied) {
        return new ModelConfig(11, 7, 12, 2, 3, kvHeads, 7, norm, placement, 1.0 / 128, positions, 50, feedForward,
                bias, tied, 0);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void logitsEqualThoseOfTheReference(ModelConfig kind) {
        for (int kvHeads : new int[] {1, 3}) {
            for (boolean bias : new boolean[] {false, true}) {
                for (boolean tied : new boolean[] {false, true}) {
                    check(config(kind.norm(), kind.normPlacement(), kind.positions(), kind.feedForward(), kvHeads, bias,
                            tied));
                }
            }
        }
    }

    private static void check(ModelConfig config) {
        long[] ids = new SplittableRandom(3).longs(2 * TIME, 0, config.vocabSize()).toArray();
        ScalarType type = ScalarType.FLOAT64;
        try (NDManager manager = NDManager.newBaseManager(); Autograd.Mode off = Autograd.notRecording()) {
            Decoder decoder = new Decoder(manager, config, type, type, new TorchOps(manager, config, type));
            ReferenceDecoder reference = new ReferenceDecoder(config,
                    randomize(new FlatParameters(manager, decoder, type, false)));
            NDArray logits = decoder.forward(new ParameterStore(manager, false),
                    manager.create(ids, new Shape(2, TIME)), false);
            double[] found = logits.toDoubleArray();
            for (int row = 0; row < 2; row++) {
                double[][] expected = reference.logits(Arrays.copyOfRange(ids, row * TIME, (row + 1) * TIME));
                double[] flat = Arrays.stream(expected).flatMapToDouble(Arrays::stream).toArray();
                assertArrayEquals(flat, Arrays.copyOfRange(found, row * flat.length, (row + 1) * flat.length), 1e-11,
                        config.toString());
            }
        }
    }

    /** All weights, norms and biases too, random. */
    private static Map<String, double[]> randomize(FlatParameters parameters) {
        SplittableRandom random = new SplittableRandom(1);
        MemorySegment memory = NativeArrays.memory(parameters.weights());
        Map<String, double[]> weights = new HashMap<>();
        for (FlatParameters.Slot slot : parameters.slots()) {
            double[] values = random.doubles(slot.spec().elements(), -0.7, 0.7).toArray();
            MemorySegment.copy(values, 0, memory, ValueLayout.JAVA_DOUBLE, slot.offset() * Double.BYTES, values.length);
            weights.put(slot.spec().path(), values);
        }
        return weights;
    }

    @ParameterizedTest
    @EnumSource(value = Positions.class, names = {"SINUSOIDAL", "ROPE_HALF"})
    void tablesBeyondAllMemoryAreRefusedInWords(Positions positions) {
        ModelConfig config = new ModelConfig(11, Integer.MAX_VALUE, 1 << 20, 1, 1, 1, 1, Norm.RMS, NormPlacement.PRE,
                1e-5, positions, 10_000, FeedForwardKind.RELU, false, true, 0);
        try (NDManager manager = NDManager.newBaseManager()) {
            UserError e = assertThrows(UserError.class, () -> new Decoder(manager, config, ScalarType.FLOAT32,
                    ScalarType.FLOAT32, new TorchOps(manager, config, ScalarType.FLOAT32)));
            assertEquals(UserError.MACHINE, e.exitCode());
        }
    }
}
