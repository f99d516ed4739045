package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * Keys and values of the tokens a generation has seen, for every layer [batch, kvHeads, contextLength, headSize].
 * Close it after the generation.
 */
public final class KeyValueCache implements AutoCloseable {
    private final NDManager manager;
    private final ModelConfig config;
    private final NDArray[] keys;
    private final NDArray[] values;
    private int length;

    /** An empty cache for {@code batch} sequences in the given type, on the manager's device. */
    public KeyValueCache(NDManager parent, ModelConfig config, ScalarType type, int batch) {
        this.manager = parent.newSubManager();
        this.config = config;
        this.keys = new NDArray[config.layers()];
        this.values = new NDArray[config.layers()];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = allocate(type, batch);
            values[i] = allocate(type, batch);
        }
    }

    private NDArray allocate(ScalarType type, int batch) {
        return Tensor.empty(type, manager.getDevice(), batch, config.kvHeads(), config.contextLength(),
                config.headSize()).attach(manager);
    }

    /** Tokens seen so far. */
    public int length() {
        return length;
    }

    /** Counts tokens as seen, once all layers have stored theirs. */
    public void advance(int tokens) {
        length += tokens;
    }

    /** Forgets all tokens after the first {@code tokens}. */
    public void truncate(int tokens) {
        length = Math.min(length, tokens);
    }

    /** Stores a layer's new keys and values [batch, kvHeads, time, headSize]; returns all it has of both. */
    NDArray[] append(int layer, NDArray k, NDArray v) {
        long time = k.getShape().get(2);
        if (length + time > config.contextLength()) {
            throw new IllegalArgumentException("the context holds " + config.contextLength() + " tokens, asked for "
                    + (length + time));
        }
        NDManager scope = k.getManager();
        NativeArrays.copy(k, Aten.narrow(scope, keys[layer], 2, length, time));
        NativeArrays.copy(v, Aten.narrow(scope, values[layer], 2, length, time));
        return new NDArray[] {Aten.narrow(scope, keys[layer], 2, 0, length + time),
            Aten.narrow(scope, values[layer], 2, 0, length + time)};
    }

    /**
     * Makes sequence i a copy of what sequence {@code origins[i]} was, as beam search needs it; from now on there are
     * as many sequences as origins.
     */
    public void reorder(long[] origins) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray index = scope.create(origins);
            for (int i = 0; i < keys.length; i++) {
                keys[i] = reorder(scope, keys[i], index);
                values[i] = reorder(scope, values[i], index);
            }
        }
    }

    private NDArray reorder(NDManager scope, NDArray cache, NDArray index) {
        NDArray picked = Aten.indexSelect(scope, Aten.narrow(scope, cache, 2, 0, length), 0, index);
        NDArray target = cache;
        if (index.size() != cache.getShape().get(0)) {
            target = allocate(NativeArrays.type(cache), (int) index.size());
            cache.close();
        }
        NativeArrays.copy(picked, Aten.narrow(scope, target, 2, 0, length));
        return target;
    }

    @Override
    public void close() {
        manager.close();
    }
}
