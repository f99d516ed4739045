package org.airelab.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.base.UserError;
import org.airelab.checkpoint.DType;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.checkpoint.SafetensorsWriter;
import org.airelab.checkpoint.TensorData;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelTensorsTest {
    /** Odd sizes everywhere, so that there are gaps between the parameters. */
    private static final ModelConfig GPT2 = new ModelConfig(13, 7, 6, 2, 3, 3, 11, ModelConfig.Norm.LAYER,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.LEARNED, 10_000,
            ModelConfig.FeedForwardKind.GELU, true, false, 0);

    private final NDManager manager = NDManager.newBaseManager();

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        manager.close();
    }

    private FlatParameters parameters(ScalarType type, long seed) {
        FlatParameters flat = new FlatParameters(manager, new Decoder(manager, GPT2, type, type,
                new TorchOps(manager, GPT2, type)), type, false);
        flat.initialize(seed);
        return flat;
    }

    @Test
    void namesAndShapesAreTheModels() throws IOException {
        Map<String, TensorData> tensors = tensors(parameters(ScalarType.FLOAT32, 1));
        assertEquals("embedding.weight", tensors.keySet().iterator().next());
        assertArrayEquals(new long[] {18, 6}, tensors.get("layers.1.attention.qkv.weight").shape());
        assertArrayEquals(new long[] {11}, tensors.get("layers.0.feed_forward.up.bias").shape());
        assertEquals(DType.F32, tensors.get("head.weight").dtype());
        long elements = tensors.values().stream().mapToLong(tensor -> tensor.info().elements()).sum();
        assertEquals(GPT2.parameterCount(), elements);
    }

    @Test
    void whatWasWrittenComesBackBitByBit() throws IOException {
        FlatParameters saved = parameters(ScalarType.FLOAT32, 1);
        Path file = write(saved, saved.weights());
        FlatParameters restored = parameters(ScalarType.FLOAT32, 2);
        long live = Tensor.live();
        try (SafetensorsFile in = SafetensorsFile.open(file)) {
            ModelTensors.restore(restored, in);
        }
        assertEquals(live, Tensor.live(), "no tensor is left behind");
        assertEquals(-1, NativeArrays.memory(saved.weights()).mismatch(NativeArrays.memory(restored.weights())));
    }

    @Test
    void anyBufferOfTheLayoutCanBeSaved() throws IOException {
        FlatParameters layout = parameters(ScalarType.FLOAT32, 1);
        var moments = layout.weights().mul(3);
        Path file = write(layout, moments);
        var restored = layout.weights().zerosLike();
        try (SafetensorsFile in = SafetensorsFile.open(file)) {
            ModelTensors.restore(layout, restored, in);
        }
        assertArrayEquals(NativeArrays.floats(moments), NativeArrays.floats(restored));
        assertThrows(IllegalArgumentException.class, () -> write(layout, manager.zeros(new Shape(3))));
    }

    @Test
    void otherFloatingTypesAreConverted() throws IOException {
        FlatParameters wide = parameters(ScalarType.FLOAT64, 1);
        FlatParameters half = parameters(ScalarType.BFLOAT16, 2);
        try (SafetensorsFile in = SafetensorsFile.open(write(wide, wide.weights()))) {
            ModelTensors.restore(half, in);
        }
        assertEquals(DType.BF16, tensors(half).get("head.weight").dtype());
        float[] expected = NativeArrays.floats(wide.weights());
        float[] found = NativeArrays.floats(half.weights());
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], found[i], Math.abs(expected[i]) / 256, "bfloat16 keeps 8 bits of fraction");
        }
    }

    @Test
    void aMissingExtraMisshapenOrIntegerTensorIsNamed() throws IOException {
        FlatParameters flat = parameters(ScalarType.FLOAT32, 1);
        float[] before = NativeArrays.floats(flat.weights());
        Map<String, TensorData> tensors = tensors(parameters(ScalarType.FLOAT32, 2));

        Map<String, TensorData> missing = new LinkedHashMap<>(tensors);
        missing.remove("layers.1.feed_forward.down.bias");
        assertRefused(flat, missing, "layers.1.feed_forward.down.bias", "no tensor");

        Map<String, TensorData> extra = new LinkedHashMap<>(tensors);
        extra.put("layers.2.attention_norm.bias", tensors.get("layers.1.attention_norm.bias"));
        assertRefused(flat, extra, "layers.2.attention_norm.bias", "does not have");

        Map<String, TensorData> transposed = new LinkedHashMap<>(tensors);
        transposed.put("layers.0.attention.qkv.weight", new TensorData(DType.F32, new long[] {6, 18},
                tensors.get("layers.0.attention.qkv.weight").data()));
        assertRefused(flat, transposed, "layers.0.attention.qkv.weight", "[6, 18]", "[18, 6]");

        Map<String, TensorData> integers = new LinkedHashMap<>(tensors);
        integers.put("head.norm.weight", new TensorData(DType.I32, new long[] {6},
                MemorySegment.ofArray(new int[6])));
        assertRefused(flat, integers, "head.norm.weight", "I32");

        assertArrayEquals(before, NativeArrays.memory(flat.weights()).toArray(ValueLayout.JAVA_FLOAT),
                "a refused file changes nothing");
    }

    private void assertRefused(FlatParameters flat, Map<String, TensorData> tensors, String... said)
            throws IOException {
        Path file = write(tensors);
        try (SafetensorsFile in = SafetensorsFile.open(file)) {
            UserError error = assertThrows(UserError.class, () -> ModelTensors.restore(flat, in));
            assertEquals(UserError.BAD_INPUT, error.exitCode());
            assertTrue(error.getMessage().contains(file.toString()), error.getMessage());
            List.of(said).forEach(part -> assertTrue(error.getMessage().contains(part), error.getMessage()));
        }
    }

    private Path write(FlatParameters parameters, NDArray buffer) throws IOException {
        Path file = folder.resolve("written.safetensors");
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            ModelTensors.write(out, parameters, buffer);
        }
        return file;
    }

    /** The weights as they were written. */
    private Map<String, TensorData> tensors(FlatParameters parameters) throws IOException {
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        try (SafetensorsFile in = SafetensorsFile.open(write(parameters, parameters.weights()))) {
            for (String name : in.names()) {
                TensorData tensor = in.tensor(name);
                MemorySegment copy = MemorySegment.ofArray(tensor.data().toArray(ValueLayout.JAVA_BYTE));
                tensors.put(name, new TensorData(tensor.info(), copy));
            }
        }
        return tensors;
    }

    private Path write(Map<String, TensorData> tensors) throws IOException {
        Path file = folder.resolve("model.safetensors");
        SafetensorsWriter.write(file, tensors, Map.of());
        return file;
    }
}
