package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ParameterSpec.Role;
import org.airelab.nn.Shards.Owned;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Tensor;

/** An optimizer over flat buffers, with weight decay on matrices only. */
public final class Optimizer {
    private final OptimizerConfig config;
    private final FlatParameters parameters;
    private final UpdateRule rule;
    private final Map<String, NDArray> state = new LinkedHashMap<>();
    private final List<Range> ranges;

    /** Neighbouring parameters that are treated alike: what of them is this rank's to update. */
    private record Range(Owned owned, boolean decays) {
    }

    /**
     * Updates what is owned of the parameters, and keeps the state of that.
     *
     * @param manager owns the state, zeroed
     * @param kernels those of the parameters' device, which then update float32; null for libtorch's operators
     */
    public Optimizer(NDManager manager, OptimizerConfig config, FlatParameters parameters, DeviceKernels kernels) {
        this.config = config;
        this.parameters = parameters;
        this.rule = kernels != null ? new KernelUpdateRule(config, kernels) : new TorchUpdateRule(config);
        this.ranges = ranges(parameters);
        long size = parameters.owned().stream().mapToLong(Owned::size).sum();
        NDArray weights = parameters.weights();
        for (String name : config.stateNames()) {
            NDArray buffer = Tensor.empty(NativeArrays.type(weights), NativeArrays.device(weights), size)
                    .attach(manager);
            Aten.zero(buffer);
            state.put(name, buffer);
        }
    }

    private static boolean decays(Role role) {
        return role == Role.MATRIX;
    }

    private static List<Range> ranges(FlatParameters parameters) {
        List<Range> ranges = new ArrayList<>();
        List<FlatParameters.Slot> slots = parameters.slots().stream()
                .sorted(Comparator.comparing(FlatParameters.Slot::offset)).toList();
        int first = 0;
        for (int i = 1; i <= slots.size(); i++) {
            boolean decays = decays(slots.get(first).spec().role());
            if (i == slots.size() || decays(slots.get(i).spec().role()) != decays) {
                long end = i == slots.size() ? parameters.size() : slots.get(i).offset();
                parameters.owned(slots.get(first).offset(), end).forEach(owned -> ranges.add(new Range(owned, decays)));
                first = i;
            }
        }
        return ranges;
    }

    /**
     * Moves the weights by one step.
     *
     * @param number        1 for the first
     * @param gradientScale factor of the gradients
     */
    public void step(long number, double learningRate, double gradientScale) {
        try (Autograd.Mode off = Autograd.notRecording();
                NDManager scope = parameters.weights().getManager().newSubManager()) {
            for (Range range : ranges) {
                Owned owned = range.owned;
                NDArray[] windows = state.values().stream()
                        .map(buffer -> NativeArrays.view(buffer, owned.at(), owned.size()).attach(scope))
                        .toArray(NDArray[]::new);
                rule.update(parameters.weights(scope, owned), parameters.gradients(scope, owned), windows,
                        new UpdateRule.Step(number, learningRate, range.decays ? config.weightDecay() : 0,
                                gradientScale));
            }
        }
    }

    /** The ranges of the parameters' layout that this optimizer moves, in the order of their state. */
    public List<Piece> owned() {
        return parameters.owned().stream().map(Owned::piece).toList();
    }

    /** State buffers by name, each of the size of what is {@link #owned}. */
    public Map<String, NDArray> state() {
        return state;
    }

    /** The parameter groups in words: what decays and what does not. */
    public List<String> describe() {
        List<String> lines = new ArrayList<>();
        for (boolean decays : new boolean[] {true, false}) {
            long count = 0;
            int tensors = 0;
            for (FlatParameters.Slot slot : parameters.slots()) {
                if (decays(slot.spec().role()) == decays) {
                    count += slot.spec().elements();
                    tensors++;
                }
            }
            String roles = String.join(", ", Arrays.stream(Role.values()).filter(role -> decays(role) == decays)
                    .map(role -> role.name().toLowerCase(Locale.ROOT)).toList());
            lines.add(String.format(Locale.ROOT, "weight decay %s: %,d numbers in %d tensors (%s)",
                    decays ? config.weightDecay() : 0, count, tensors, roles));
        }
        return lines;
    }
}
