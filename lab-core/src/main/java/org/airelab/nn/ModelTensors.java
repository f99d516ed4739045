package org.airelab.nn;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.airelab.base.UserError;
import org.airelab.checkpoint.DType;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.checkpoint.SafetensorsWriter;
import org.airelab.checkpoint.TensorData;
import org.airelab.checkpoint.TensorInfo;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/**
 * A model's flat buffers as named tensors, the form they have on disk: the name is {@link ParameterSpec#path()}, the
 * shape the parameter's own. The gaps between parameters are not part of it.
 */
public final class ModelTensors {
    private static final long ALIGNMENT = 64;

    private ModelTensors() {
    }

    /**
     * Writes the parameters' parts of a buffer in the order of the model as a safetensors file. They pass one by one
     * through host memory of the size of the largest, whatever device the buffer is on.
     *
     * @param buffer weights, gradients or optimizer state [{@link FlatParameters#size()}]
     */
    public static void write(WritableByteChannel out, FlatParameters parameters, NDArray buffer) throws IOException {
        requireSize(parameters, buffer);
        ScalarType type = NativeArrays.type(buffer);
        Map<String, TensorInfo> infos = new LinkedHashMap<>();
        Map<String, FlatParameters.Slot> slots = new HashMap<>();
        long largest = 0;
        for (FlatParameters.Slot slot : parameters.slots()) {
            infos.put(slot.spec().path(), new TensorInfo(dtype(type), slot.spec().shape()));
            slots.put(slot.spec().path(), slot);
            largest = Math.max(largest, slot.spec().elements());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(largest * type.bytes(), ALIGNMENT);
            SafetensorsWriter.write(out, infos, Map.of(), name -> copy(buffer, slots.get(name), memory));
        }
    }

    /** All tensors of a model as they are on disk, in the order of the model, with numbers of one type. */
    public static Map<String, TensorInfo> infos(ModelConfig config, ScalarType type) {
        try (NDManager scope = NDManager.newBaseManager(Device.cpu())) {
            Decoder model = new Decoder(scope, config, type, type, new TorchOps(scope, config, type));
            Map<String, TensorInfo> infos = new LinkedHashMap<>();
            model.specs().forEach(spec -> infos.put(spec.path(), new TensorInfo(dtype(type), spec.shape())));
            return infos;
        }
    }

    private static MemorySegment copy(NDArray buffer, FlatParameters.Slot slot, MemorySegment memory) {
        ScalarType type = NativeArrays.type(buffer);
        long elements = slot.spec().elements();
        try (NDManager scope = buffer.getManager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            NDArray source = NativeArrays.view(buffer, slot.offset(), elements).attach(scope);
            NativeArrays.copy(source, NativeArrays.over(scope, memory, type, elements));
        }
        return memory.asSlice(0, elements * type.bytes());
    }

    /** {@link #restore(FlatParameters, NDArray, SafetensorsFile)} into the weights. */
    public static void restore(FlatParameters parameters, SafetensorsFile file) {
        restore(parameters, parameters.weights(), file);
    }

    /**
     * Fills a buffer from a file that holds exactly the model's parameters, converting floating-point types where
     * they differ. Everything is checked before anything is changed.
     *
     * @param buffer weights or optimizer state [{@link FlatParameters#size()}]
     * @throws UserError (bad input) naming the file and the first tensor that is missing, not the model's, of another
     *                   shape, or not of floating-point numbers
     */
    public static void restore(FlatParameters parameters, NDArray buffer, SafetensorsFile file) {
        requireSize(parameters, buffer);
        check(parameters, file);
        try (NDManager scope = buffer.getManager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            for (FlatParameters.Slot slot : parameters.slots()) {
                TensorData data = file.tensor(slot.spec().path());
                NDArray source = NativeArrays.over(scope, data.data(), type(data.dtype()), slot.spec().shape());
                NDArray target = NativeArrays.view(buffer, slot.offset(), slot.spec().shape()).attach(scope);
                NativeArrays.copy(source, target);
            }
        }
    }

    private static void check(FlatParameters parameters, SafetensorsFile file) {
        Set<String> extra = new LinkedHashSet<>(file.names());
        for (FlatParameters.Slot slot : parameters.slots()) {
            String name = slot.spec().path();
            if (!extra.remove(name)) {
                throw mismatch("holds no tensor " + name + ", which the model has", file);
            }
            TensorInfo found = file.info(name);
            if (!Arrays.equals(found.shape(), slot.spec().shape())) {
                throw mismatch("holds the tensor " + name + " with shape " + Arrays.toString(found.shape())
                        + ", the model's has " + Arrays.toString(slot.spec().shape()), file);
            }
            if (!floating(found.dtype())) {
                throw mismatch("holds the tensor " + name + " as " + found.dtype() + ", expected F32 or another"
                        + " floating-point type", file);
            }
        }
        if (!extra.isEmpty()) {
            throw mismatch("holds the tensor " + extra.iterator().next() + ", which the model does not have", file);
        }
    }

    private static UserError mismatch(String what, SafetensorsFile file) {
        return UserError.badInput(file.path() + " " + what + ".",
                "Use weights that were saved with this model configuration.");
    }

    private static void requireSize(FlatParameters parameters, NDArray buffer) {
        if (buffer.size() != parameters.size()) {
            throw new IllegalArgumentException("expected a buffer of " + parameters.size() + " elements, found "
                    + buffer.size());
        }
    }

    private static boolean floating(DType type) {
        return type == DType.F64 || type == DType.F32 || type == DType.F16 || type == DType.BF16;
    }

    private static ScalarType type(DType type) {
        return switch (type) {
            case F64 -> ScalarType.FLOAT64;
            case F32 -> ScalarType.FLOAT32;
            case F16 -> ScalarType.FLOAT16;
            case BF16 -> ScalarType.BFLOAT16;
            default -> throw new IllegalArgumentException("expected a floating-point type, found " + type);
        };
    }

    private static DType dtype(ScalarType type) {
        return switch (type) {
            case FLOAT64 -> DType.F64;
            case FLOAT32 -> DType.F32;
            case FLOAT16 -> DType.F16;
            case BFLOAT16 -> DType.BF16;
            default -> throw new IllegalArgumentException("expected a floating-point type, found " + type);
        };
    }
}
