package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import java.util.List;
import org.airelab.nn.ContextDivision.Chunk;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/** Tokens to vectors, with positions where they are added: int64 ids [batch, time] to [batch, time, dim]. */
public final class TokenEmbedding extends LayerBlock {
    private final ModelConfig config;
    private final ScalarType compute;
    private final ContextDivision division;
    private final Parameter weight;
    private final Parameter positions;
    private final NDArray sinusoids;

    /**
     * @param manager  owns fixed tables
     * @param compute  the type of the vectors, in which all layers after this one compute
     * @param division which tokens of a sequence it is given
     */
    public TokenEmbedding(NDManager manager, ModelConfig config, ScalarType compute, ContextDivision division) {
        this(manager, config, compute, division, false);
    }

    private TokenEmbedding(NDManager manager, ModelConfig config, ScalarType compute, ContextDivision division,
            boolean matrixAlone) {
        this.config = config;
        this.compute = compute;
        this.division = division;
        weight = declare("weight", ParameterSpec.Role.EMBEDDING, Decoder.initStd(config), config.vocabSize(), config.dim());
        boolean learned = config.positions() == ModelConfig.Positions.LEARNED && !matrixAlone;
        positions = learned ? declare("positions", ParameterSpec.Role.EMBEDDING, Decoder.initStd(config) / 2,
                config.contextLength(), config.dim()) : null;
        boolean fixed = config.positions() == ModelConfig.Positions.SINUSOIDAL && !matrixAlone;
        sinusoids = fixed ? sinusoids(manager, config) : null;
    }

    /** A copy of the matrix without positions, for a head that is tied to the embedding of another rank. */
    static TokenEmbedding matrixAlone(NDManager manager, ModelConfig config, ScalarType compute,
            ContextDivision division) {
        return new TokenEmbedding(manager, config, compute, division, true);
    }

    /** The matrix [vocabulary, dim]. */
    Parameter weight() {
        return weight;
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray ids, boolean training) {
        return forward(parameters, ids, division.chunks((int) ids.getShape().get(1)), training);
    }

    /** Embeds ids of which the first of each row stands at position {@code start}, the others after it. */
    NDArray forward(ParameterStore parameters, NDArray ids, int start, boolean training) {
        return forward(parameters, ids, List.of(new Chunk(start, (int) ids.getShape().get(1))), training);
    }

    private NDArray forward(ParameterStore parameters, NDArray ids, List<Chunk> chunks, boolean training) {
        NDManager scope = ids.getManager();
        NDArray x = Aten.embedding(scope, value(parameters, weight, ids, training), ids);
        if (positions != null) {
            x = x.add(rows(scope, value(parameters, positions, ids, training), chunks));
        }
        if (sinusoids != null) {
            NDArray rows = NativeArrays.convert(scope, rows(scope, sinusoids, chunks), NativeArrays.type(x));
            x = Aten.scale(scope, x, Math.sqrt(config.dim())).add(rows);
        }
        x = NativeArrays.convert(scope, x, compute);
        return training && config.dropout() > 0 ? Aten.dropout(scope, x, config.dropout()) : x;
    }

    /** The rows of a table [positions, dim] that belong to tokens. */
    private static NDArray rows(NDManager scope, NDArray table, List<Chunk> chunks) {
        NDList rows = new NDList();
        chunks.forEach(chunk -> rows.add(Aten.narrow(scope, table, 0, chunk.from(), chunk.length())));
        return rows.size() == 1 ? rows.singletonOrThrow() : NDArrays.concat(rows);
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
