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
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Tensor;
import org.airelab.train.Shards.Piece;

/** An optimizer over flat buffers, with weight decay on matrices only. */
public final class Optimizer {
    private final OptimizerConfig config;
    private final FlatParameters parameters;
    private final UpdateRule rule;
    private final Map<String, NDArray> state = new LinkedHashMap<>();
    private final List<Range> ranges;
    private final List<Piece> owned;

    /**
     * Neighbouring parameters that are treated alike.
     *
     * @param state where their state begins in its buffers
     */
    private record Range(long from, long to, boolean decays, long state) {
        long size() {
            return to - from;
        }
    }

    /**
     * @param manager owns the state, zeroed
     * @param kernels those of the parameters' device, which then update float32; null for libtorch's operators
     */
    public Optimizer(NDManager manager, OptimizerConfig config, FlatParameters parameters, DeviceKernels kernels) {
        this(manager, config, parameters, kernels, Shards.WHOLE);
    }

    /** The same for a rank that updates its parts alone. */
    public Optimizer(NDManager manager, OptimizerConfig config, FlatParameters parameters, DeviceKernels kernels,
            Shards shards) {
        this.config = config;
        this.parameters = parameters;
        this.rule = kernels != null ? new KernelUpdateRule(config, kernels) : new TorchUpdateRule(config);
        this.owned = shards.parts(parameters.size(), shards.rank());
        this.ranges = owned(ranges(parameters), owned);
        long size = owned.stream().mapToLong(Piece::size).sum();
        NDArray weights = parameters.weights();
        for (String name : rule.stateNames()) {
            NDArray buffer = Tensor.empty(NativeArrays.type(weights), NativeArrays.device(weights), size)
                    .attach(manager);
            Aten.zero(buffer);
            state.put(name, buffer);
        }
    }

    /** What is of these ranges in pieces whose state lies one behind the other. */
    private static List<Range> owned(List<Range> ranges, List<Piece> pieces) {
        List<Range> owned = new ArrayList<>();
        long state = 0;
        for (Piece piece : pieces) {
            for (Range range : ranges) {
                long from = Math.max(range.from, piece.from());
                long to = Math.min(range.to, piece.to());
                if (from < to) {
                    owned.add(new Range(from, to, range.decays, state + from - piece.from()));
                }
            }
            state += piece.size();
        }
        return owned;
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
                ranges.set(ranges.size() - 1, new Range(last.from, end, decays, last.from));
            } else {
                ranges.add(new Range(slots.get(i).offset(), end, decays, slots.get(i).offset()));
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
                NDArray[] windows = state.values().stream().map(s -> window(scope, s, range.state, range.size()))
                        .toArray(NDArray[]::new);
                rule.update(window(scope, parameters.weights(), range.from, range.size()),
                        window(scope, parameters.gradients(), range.from, range.size()), windows,
                        new UpdateRule.Step(number, learningRate, range.decays ? config.weightDecay() : 0,
                                gradientScale));
            }
        }
    }

    private static NDArray window(NDManager scope, NDArray buffer, long from, long size) {
        try (Tensor view = NativeArrays.view(buffer, from, size)) {
            return view.share().attach(scope);
        }
    }

    /** The parts of the flat buffers that this optimizer moves, in the order of their state. */
    public List<Piece> owned() {
        return owned;
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
