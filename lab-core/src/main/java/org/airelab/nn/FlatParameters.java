package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * A model's parameters in one buffer and their gradients in a second of the same layout: an optimizer is then one
 * loop, the global norm another, and a communication bucket a slice. Each parameter starts at a multiple of 16
 * elements (64 bytes of float32); the gaps stay zero. Ranks that have different parts of the parameters have them at
 * the same places.
 */
public final class FlatParameters {
    private static final int ALIGNMENT = 16;

    /**
     * Where a parameter lies.
     *
     * @param spec   the parameter
     * @param offset its first element in the buffers
     */
    public record Slot(ParameterSpec spec, long offset) {
    }

    private final List<Slot> slots = new ArrayList<>();
    private final NDArray weights;
    private final NDArray gradients;

    /**
     * Allocates both buffers on the manager's device, zeroed, and binds the model's parameters to them.
     *
     * @param training whether there are gradients; without, the parameters want none
     */
    public FlatParameters(NDManager manager, LayerBlock model, ScalarType type, boolean training) {
        this(manager, model, type, training, ALIGNMENT);
    }

    /** The same with buffers of a multiple of {@code multiple} elements, itself one of 16; what is added stays zero. */
    public FlatParameters(NDManager manager, LayerBlock model, ScalarType type, boolean training, long multiple) {
        long size = 0;
        for (ParameterSpec spec : model.specs()) {
            slots.add(new Slot(spec, size));
            size += Math.ceilDiv(spec.room(), ALIGNMENT) * ALIGNMENT;
        }
        size = Math.ceilDiv(size, multiple) * multiple;
        weights = zeros(manager, type, size);
        gradients = training ? zeros(manager, type, size) : null;
        for (Slot slot : slots) {
            bind(manager, slot);
        }
    }

    private static NDArray zeros(NDManager manager, ScalarType type, long size) {
        NDArray buffer = Tensor.empty(type, manager.getDevice(), size).attach(manager);
        Aten.zero(buffer);
        return buffer;
    }

    private void bind(NDManager manager, Slot slot) {
        NDArray array = NativeArrays.view(weights, slot.offset, slot.spec.shape()).attach(manager);
        slot.spec.parameter().setArray(array);
        if (gradients != null) {
            try (Tensor gradient = NativeArrays.view(gradients, slot.offset, slot.spec.shape())) {
                Autograd.accumulateInto(array, gradient);
            }
        }
    }

    /** Where each parameter lies, in the order of the model. */
    public List<Slot> slots() {
        return List.copyOf(slots);
    }

    /** All weights [size]. */
    public NDArray weights() {
        return weights;
    }

    /** All gradients [size], or null when there are none. */
    public NDArray gradients() {
        return gradients;
    }

    /** Forgets all gradients. */
    public void zeroGradients() {
        Aten.zero(gradients);
    }

    /** Elements of a buffer, gaps included. */
    public long size() {
        return weights.size();
    }

    /** Trained numbers that this rank has, gaps not included. */
    public long parameterCount() {
        return slots.stream().mapToLong(slot -> slot.spec.elements()).sum();
    }

    /**
     * Draws fresh values. Each parameter has a generator of its own, seeded by the seed and its path, so the same seed
     * gives the same model on every device and however it is divided.
     */
    public void initialize(long seed) {
        try (NDManager scope = weights.getManager().newSubManager(); Autograd.Mode mode = Autograd.notRecording()) {
            for (Slot slot : slots) {
                float[] values = draw(slot.spec, seed);
                NDArray target = NativeArrays.view(weights, slot.offset, values.length).attach(scope);
                NDArray source = NativeArrays.over(scope, scopeMemory(scope, values), ScalarType.FLOAT32, values.length);
                NativeArrays.copy(source, target);
            }
        }
    }

    private static MemorySegment scopeMemory(NDManager scope, float[] values) {
        NDArray cpu = Tensor.empty(ScalarType.FLOAT32, ai.djl.Device.cpu(), values.length).attach(scope);
        MemorySegment memory = NativeArrays.memory(cpu);
        MemorySegment.copy(values, 0, memory, ValueLayout.JAVA_FLOAT, 0, values.length);
        return memory;
    }

    private static float[] draw(ParameterSpec spec, long seed) {
        float[] values = new float[Math.toIntExact(spec.elements())];
        if (spec.init() == ParameterSpec.ONES) {
            java.util.Arrays.fill(values, 1f);
        } else if (spec.init() > 0) {
            RandomGenerator random = new SplittableRandom(seed ^ hash(spec.path()));
            long drawn = 0;
            for (Cut.Run run : spec.runs()) {
                // What other ranks have is drawn, too: the numbers of a generator come one after another.
                for (; drawn < run.whole(); drawn++) {
                    random.nextGaussian();
                }
                for (int i = 0; i < run.length(); i++) {
                    values[(int) run.local() + i] = (float) (random.nextGaussian() * spec.init());
                }
                drawn += run.length();
            }
        }
        return values;
    }

    /** FNV-1a, 64 bits: a fixed function of the name. */
    private static long hash(String name) {
        long hash = 0xcbf29ce484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b) * 0x100000001b3L;
        }
        return hash;
    }
}
