package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ParameterSpec.Role;
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

    /** Neighbouring parameters that are treated alike. */
    private record Range(long from, long to, boolean decays) {
    }

    /**
     * @param manager owns the state, zeroed
     * @param kernels those of the parameters' device, which then update float32; null for libtorch's operators
     */
    public Optimizer(NDManager manager, OptimizerConfig config, FlatParameters parameters, DeviceKernels kernels) {
        this.config = config;
        this.parameters = parameters;
        this.rule = kernels != null ? new KernelUpdateRule(config, kernels) : new TorchUpdateRule(config);
        this.ranges = ranges(parameters);
        for (String name : rule.stateNames()) {
            state.put(name, parameters.weights().zerosLike());
            state.get(name).attach(manager);
        }
    }

    private static boolean decays(Role role) {
        return role == Role.MATRIX;
    }

    private static List<Range> ranges(FlatParameters parameters) {
        List<Range> ranges = new ArrayList<>();
        List<FlatParameters.Slot> slots = parameters.slots();
        for (int i = 0; i < slots.size(); i++) {
            long end = i + 1 < slots.size() ? slots.get(i + 1).offset() : parameters.size();
            boolean decays = decays(slots.get(i).spec().role());
            Range last = ranges.isEmpty() ? null : ranges.getLast();
            if (last != null && last.decays == decays) {
                ranges.set(ranges.size() - 1, new Range(last.from, end, decays));
            } else {
                ranges.add(new Range(slots.get(i).offset(), end, decays));
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
                NDArray[] windows = state.values().stream().map(s -> window(scope, s, range)).toArray(NDArray[]::new);
                rule.update(window(scope, parameters.weights(), range), window(scope, parameters.gradients(), range),
                        windows, new UpdateRule.Step(number, learningRate, range.decays ? config.weightDecay() : 0,
                                gradientScale));
            }
        }
    }

    private static NDArray window(NDManager scope, NDArray buffer, Range range) {
        try (Tensor view = NativeArrays.view(buffer, range.from, range.to - range.from)) {
            return view.share().attach(scope);
        }
    }

    /** State buffers by name, each [size]. */
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
