package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import java.util.List;
import java.util.function.UnaryOperator;
import org.airelab.nn.ContextDivision.Chunk;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/**
 * Tokens to vectors, with positions where they are added: int64 ids [batch, time] to [batch, time, dim]. Of a divided
 * model every rank looks up what is in its range of the vocabulary, and gives the stream; of ids beyond the vocabulary,
 * which nobody has, the vector is 0.
 */
public final class TokenEmbedding extends LayerBlock {
    private final ModelConfig config;
    private final TensorDivision division;
    private final ScalarType compute;
    private final ContextDivision tokens;
    private final Parameter weight;
    private final Parameter positions;
    private final NDArray sinusoids;
    /** What of the vocabulary this rank has; null for all. */
    private final IdRange range;
    /** Looks up in training; null where plain operators do. */
    private final UnaryOperator<NDArray> trained;

    /**
     * @param manager  owns fixed tables
     * @param compute  the type of the vectors, in which all layers after this one compute
     * @param division of the vocabulary
     * @param ops      look up in training; they say which tokens of a sequence it is given
     */
    public TokenEmbedding(NDManager manager, ModelConfig config, LayerOps ops, TensorDivision division,
            ScalarType compute) {
        this(manager, config, ops, division, compute, false);
    }

    /** The same, or a copy of the matrix alone for a head that is tied to the embedding of another rank. */
    TokenEmbedding(NDManager manager, ModelConfig config, LayerOps ops, TensorDivision division, ScalarType compute,
            boolean matrixAlone) {
        this.config = config;
        this.division = division;
        this.compute = compute;
        this.tokens = ops.division();
        weight = declare("weight", ParameterSpec.Role.EMBEDDING, Decoder.initStd(config),
                OutputHead.rows(config, division), config.vocabSize(), config.dim());
        range = division.ranks() == 1 ? null : new IdRange(manager, division.range(config.vocabSize()));
        boolean learned = config.positions() == ModelConfig.Positions.LEARNED && !matrixAlone;
        positions = learned ? declare("positions", ParameterSpec.Role.EMBEDDING, Decoder.initStd(config) / 2,
                config.contextLength(), config.dim()) : null;
        boolean fixed = config.positions() == ModelConfig.Positions.SINUSOIDAL && !matrixAlone;
        sinusoids = fixed ? sinusoids(manager, config) : null;
        trained = ops.embedding(weight);
    }

    /** The matrix [vocabulary, dim], or this rank's rows of it. */
    Parameter weight() {
        return weight;
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray ids, boolean training) {
        return forward(parameters, ids, tokens.chunks((int) ids.getShape().get(1)), training);
    }

    /** Embeds ids of which the first of each row stands at position {@code start}, the others after it. */
    NDArray forward(ParameterStore parameters, NDArray ids, int start, boolean training) {
        return forward(parameters, ids, List.of(new Chunk(start, (int) ids.getShape().get(1))), training);
    }

    private NDArray forward(ParameterStore parameters, NDArray ids, List<Chunk> chunks, boolean training) {
        NDManager scope = ids.getManager();
        NDArray x = vectors(value(parameters, weight, ids, training), ids, training);
        if (positions != null) {
            x = x.add(rows(scope, value(parameters, positions, ids, training), chunks));
        }
        if (sinusoids != null) {
            NDArray rows = NativeArrays.convert(scope, rows(scope, sinusoids, chunks), NativeArrays.type(x));
            x = Aten.scale(scope, x, Math.sqrt(config.dim())).add(rows);
        }
        NDArray converted = NativeArrays.convert(scope, x, compute);
        return training && config.dropout() > 0 ? division.withRandomNumbersOfTheStream(
                () -> Aten.dropout(scope, converted, config.dropout())) : converted;
    }

    private NDArray vectors(NDArray table, NDArray ids, boolean training) {
        UnaryOperator<NDArray> rows = training && trained != null ? trained
                : i -> Aten.embedding(i.getManager(), table, i);
        if (range == null) {
            return rows.apply(ids);
        }
        NDArray index = range.index(ids);
        NDArray mine = range.within(ids, index, NativeArrays.type(table)).expandDims(-1);
        return division.leave(rows.apply(index).mul(mine));
    }

    /** The rows of a table [positions, dim] that belong to the tokens of the stream. */
    private NDArray rows(NDManager scope, NDArray table, List<Chunk> chunks) {
        NDList rows = new NDList();
        chunks.forEach(chunk -> rows.add(Aten.narrow(scope, table, 0, chunk.from(), chunk.length())));
        NDArray all = rows.size() == 1 ? rows.singletonOrThrow() : NDArrays.concat(rows);
        long time = all.getShape().get(0) / division.ranks();
        return division.dividesTime() ? Aten.narrow(scope, all, 0, division.rank() * time, time) : all;
    }

    /** Vaswani et al. 2017, section 3.5: sines in even columns, cosines in odd ones. */
    private static NDArray sinusoids(NDManager manager, ModelConfig config) {
        return FixedTable.of(manager, ScalarType.FLOAT64, config.contextLength(), config.dim(), (t, i) -> {
            double angle = t / Math.pow(10_000, (double) (i - i % 2) / config.dim());
            return i % 2 == 0 ? Math.sin(angle) : Math.cos(angle);
        });
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        return new Shape[] {inputs[0].add(config.dim())};
    }
}
