package org.airelab.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TorchOpsTest {
    /** One rounding of the input's type, 8 or 11 bits, is all that half precision may cost. */
    @ParameterizedTest
    @CsvSource({"BFLOAT16, 8", "FLOAT16, 11"})
    void geluInHalfPrecisionIsRoundedOnce(ScalarType type, int bits) {
        ModelConfig config = ModelPresets.all().get("gpt2-124m");
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray x = Aten.to(manager, manager.arange(-6f, 6f, 0.125f), type);
            float[] inputs = NativeArrays.floats(x);
            NDArray y = new TorchOps(manager, config, type).gelu(x);
            assertEquals(type, NativeArrays.type(y));
            float[] found = NativeArrays.floats(y);
            for (int i = 0; i < inputs.length; i++) {
                double v = inputs[i];
                double expected = v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)));
                assertEquals(expected, found[i], Math.abs(expected) * Math.pow(2, -bits) + 1e-6, "gelu(" + v + ")");
            }
        }
    }
}
