package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToIntFunction;
import java.util.random.RandomGenerator;
import org.airelab.nn.Shards.Owned;
import org.airelab.nn.Shards.Piece;
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
 *
 * <p>A rank of several may keep of either buffer what it owns alone ({@link Shards}). The parts of the model then have
 * memory by turns, into which somebody has to gather the weights before they are read, and out of which somebody has to
 * take the gradients.
 */
public final class FlatParameters {
    /**
     * Where a parameter lies.
     *
     * @param spec   the parameter
     * @param offset its first element in the flat layout
     */
    public record Slot(ParameterSpec spec, long offset) {
        private long end() {
            return offset + spec.elements();
        }
    }

    private final List<Slot> slots = new ArrayList<>();
    private final List<Piece> parts = new ArrayList<>();
    private final Shards shards;
    private final List<Owned> owned;
    private final NDArray weights;
    private final NDArray gradients;
    /** Null where all weights, or all gradients, are kept. */
    private final PartBuffers partWeights;
    private final PartBuffers partGradients;

    /**
     * Allocates both buffers on the manager's device, zeroed, and binds the model's parameters to them.
     *
     * @param training whether there are gradients; without, the parameters want none
     */
    public FlatParameters(NDManager manager, LayerBlock model, ScalarType type, boolean training) {
        lay(model.specs(), 1, path -> 0, Shards.ALIGNMENT);
        shards = Shards.WHOLE;
        owned = shards.owned(parts, 0);
        weights = ExchangeMemory.ANY.zeros(manager, type, size());
        gradients = training ? ExchangeMemory.ANY.zeros(manager, type, size()) : null;
        partWeights = null;
        partGradients = null;
        slots.forEach(slot -> bind(manager, 0, slot));
    }

    /**
     * The same of a model to train, with what a rank keeps of it.
     *
     * @param exchanged where the gradients that ranks sum lie: all, or where they are divided those of parts by turns;
     *                  and where the weights lie that each rank updates a share of and gathers the others'
     */
    public FlatParameters(NDManager manager, Decoder model, ScalarType type, Shards shards,
            ExchangeMemory exchanged) {
        int layers = model.config().layers();
        lay(model.specs(), layers + 2, path -> Stage.part(path, layers), shards.multiple());
        this.shards = shards;
        owned = shards.owned(parts, shards.rank());
        long mine = owned.stream().mapToLong(Owned::size).sum();
        boolean tied = model.config().tieEmbeddings();
        gradients = shards.dividesGradients() ? ExchangeMemory.ANY.zeros(manager, type, mine)
                : exchanged.zeros(manager, type, size());
        partWeights = shards.dividesWeights() ? new PartBuffers(manager, type, parts, tied, ExchangeMemory.ANY) : null;
        partGradients = shards.dividesGradients() ? new PartBuffers(manager, type, parts, tied, exchanged) : null;
        weights = (shards.stage() > 0 ? exchanged : ExchangeMemory.ANY).zeros(manager, type,
                shards.dividesWeights() ? mine : size());
        slots.forEach(slot -> bind(manager, Stage.part(slot.spec.path(), layers), slot));
    }

    /** Lays parameters out, part of the model by part. */
    private void lay(List<ParameterSpec> specs, int count, ToIntFunction<String> partOf, long multiple) {
        long end = 0;
        for (int part = 0; part < count; part++) {
            long from = end;
            for (ParameterSpec spec : of(part, specs, partOf)) {
                slots.add(new Slot(spec, end));
                end += Math.ceilDiv(spec.room(), Shards.ALIGNMENT) * Shards.ALIGNMENT;
            }
            end = Math.ceilDiv(end, multiple) * multiple;
            parts.add(new Piece(from, end));
        }
        slots.sort(Comparator.comparing(slot -> specs.indexOf(slot.spec)));
    }

    /**
     * A part's parameters. Matrices lie beside each other, and those of every second part behind the part's others, so
     * that they lie beside the next part's: an optimizer that lets matrices alone decay has few ranges.
     */
    private static List<ParameterSpec> of(int part, List<ParameterSpec> specs, ToIntFunction<String> partOf) {
        boolean matricesFirst = part % 2 == 0;
        return specs.stream().filter(spec -> partOf.applyAsInt(spec.path()) == part)
                .sorted(Comparator.comparing(spec -> (spec.role() == ParameterSpec.Role.MATRIX) != matricesFirst))
                .toList();
    }

    private void bind(NDManager manager, int part, Slot slot) {
        NDArray array = view(weights, partWeights, part, slot).attach(manager);
        slot.spec.parameter().setArray(array);
        if (gradients != null) {
            try (Tensor gradient = view(gradients, partGradients, part, slot)) {
                Autograd.accumulateInto(array, gradient);
            }
        }
    }

    private Tensor view(NDArray all, PartBuffers turns, int part, Slot slot) {
        return turns == null ? NativeArrays.view(all, slot.offset, slot.spec.shape())
                : turns.view(part, slot.offset - parts.get(part).from(), slot.spec.shape());
    }

    /** Where each parameter lies, in the order of the model. */
    public List<Slot> slots() {
        return List.copyOf(slots);
    }

    /** The parts of the model, numbered as {@link Stage} does, as ranges of the flat layout; some may be empty. */
    public List<Piece> parts() {
        return List.copyOf(parts);
    }

    /** How the layout is divided among ranks. */
    public Shards shards() {
        return shards;
    }

    /** What this rank is to update, in the order of the layout. */
    public List<Owned> owned() {
        return owned;
    }

    /** What of a range of the layout is this rank's to update. */
    public List<Owned> owned(long from, long to) {
        return owned.stream().filter(piece -> piece.from() < to && from < piece.to()).map(piece -> {
            long start = Math.max(from, piece.from());
            return new Owned(start, Math.min(to, piece.to()), piece.at() + start - piece.from());
        }).toList();
    }

    /**
     * The same of the parameters that tensor parallelism leaves whole, such as those of norms: all its ranks have them
     * and update the same ranges.
     */
    public List<Owned> ownedUndivided() {
        return slots.stream().filter(slot -> slot.spec.cut() == null)
                .flatMap(slot -> owned(slot.offset, slot.end()).stream()).toList();
    }

    /** The ranges of the layout that {@link #weights} hold, one behind the other: one or what this rank owns. */
    public List<Piece> keptWeights() {
        return shards.dividesWeights() ? owned.stream().map(Owned::piece).toList() : List.of(new Piece(0, size()));
    }

    /** All weights [size]; where they are divided those that this rank owns, one range behind the other. */
    public NDArray weights() {
        return weights;
    }

    /** All gradients, or those that this rank owns, as {@link #weights}; null when there are none. */
    public NDArray gradients() {
        return gradients;
    }

    /** The weights of an owned range, wherever they are kept. */
    public NDArray weights(NDManager scope, Owned range) {
        return NativeArrays.view(weights, shards.dividesWeights() ? range.at() : range.from(), range.size())
                .attach(scope);
    }

    /** The gradients of an owned range, wherever they are kept. */
    public NDArray gradients(NDManager scope, Owned range) {
        return NativeArrays.view(gradients, shards.dividesGradients() ? range.at() : range.from(), range.size())
                .attach(scope);
    }

    /** The number of the memory in which a part has its turns, where weights or gradients are divided. */
    public int turns(int part) {
        return partGradients.buffer(part);
    }

    /** Where a part's weights are, in its turn: as many as the part has in the layout. */
    public NDArray partWeights(NDManager scope, int part) {
        return partWeights.view(part, 0, parts.get(part).size()).attach(scope);
    }

    /** Where a part's gradients are, in its turn. */
    public NDArray partGradients(NDManager scope, int part) {
        return partGradients.view(part, 0, parts.get(part).size()).attach(scope);
    }

    /** Elements of all memory that parts have by turns. */
    public long turnsSize() {
        return (partWeights == null ? 0 : partWeights.size()) + (partGradients == null ? 0 : partGradients.size());
    }

    /** Forgets all gradients. */
    public void zeroGradients() {
        Aten.zero(gradients);
    }

    /** Elements of the flat layout, gaps included. */
    public long size() {
        return parts.getLast().to();
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
        for (Slot slot : slots) {
            try (NDManager scope = weights.getManager().newSubManager(); Autograd.Mode mode = Autograd.notRecording()) {
                NDArray values = onCpu(scope, draw(slot.spec, seed));
                for (Owned range : kept(slot)) {
                    NDArray source = NativeArrays.view(values, range.from() - slot.offset, range.size()).attach(scope);
                    NativeArrays.copy(source, weights(scope, range));
                }
            }
        }
    }

    /** What of a parameter this rank keeps. */
    private List<Owned> kept(Slot slot) {
        return shards.dividesWeights() ? owned(slot.offset, slot.end())
                : List.of(new Owned(slot.offset, slot.end(), slot.offset));
    }

    private static NDArray onCpu(NDManager scope, float[] values) {
        NDArray cpu = Tensor.empty(ScalarType.FLOAT32, ai.djl.Device.cpu(), values.length).attach(scope);
        MemorySegment.copy(values, 0, NativeArrays.memory(cpu), ValueLayout.JAVA_FLOAT, 0, values.length);
        return cpu;
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
