package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.ids;
import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.kernels.embedding.Embedding;
import org.airelab.torch.Operator;

/** Rows of an embedding, and their gradients added to it. */
final class EmbeddingWorkloads {
    private static final Operator GATHER = Operator.of("aten::embedding", "");
    private static final Operator UNSQUEEZE = Operator.of("aten::unsqueeze", "");
    private static final Operator EXPAND_AS = Operator.of("aten::expand_as", "");
    private static final Operator SCATTER = Operator.of("aten::scatter_add_", "");

    /**
     * libtorch's scatter_add_ with an index that is the same along each row, which its CPU kernel adds up by rows, as
     * index_add_ does. Its embedding_dense_backward would make a new gradient of the whole table each time.
     */
    private static final Baseline SCATTER_ADD = new Baseline("scatter_add_", (scope, t) -> {
        NDArray column = UNSQUEEZE.on(scope).tensor(t[1]).integer(1).result();
        NDArray index = EXPAND_AS.on(scope).tensor(column).tensor(t[0]).result();
        return () -> SCATTER.call().tensor(t[2]).integer(0).tensor(index).tensor(t[0]).tensors(1);
    });

    private EmbeddingWorkloads() {
    }

    static List<Workload<?>> all() {
        return List.of(gather(512, 2048, 256).alsoQuick(), scatterAdd(512, 2048, 256).alsoQuick(),
                gather(4096, 32_000, 1024), scatterAdd(4096, 32_000, 1024));
    }

    static List<Workload<?>> large() {
        return List.of(gather(16_384, 128_256, 2048).alsoQuick(), scatterAdd(16_384, 128_256, 2048).alsoQuick());
    }

    /** Rows of many widths, of which many have the same id, and of as many ids as lead to each way of sorting them. */
    static List<Workload<?>> variants() {
        return Stream.concat(RowWidths.each(width -> Stream.of(gather(300, 20, width), scatterAdd(300, 20, width)))
                .stream(), Stream.of(1500, 3000, 6000, 12_000, 24_000).map(count -> scatterAdd(count, 500, 8)))
                .toList();
    }

    private static Workload<Embedding> gather(int count, int vocabulary, int width) {
        double rows = 4.0 * count * width;
        return new Workload<>("embedding", Embedding.class, "gather", shape(count, vocabulary, width),
                List.of(normal("weight", vocabulary, width).touching(rows), ids("ids", vocabulary, count),
                        output("out", count, width)), 0,
                (f, m) -> f.gather(m.get(0), m.get(1), m.get(2), count, vocabulary, width))
                .against(Baseline.of("embedding", t -> GATHER.call().tensor(t[0]).tensor(t[1]).integer(-1).bool(false)
                        .bool(false).tensors(1)));
    }

    private static Workload<Embedding> scatterAdd(int count, int vocabulary, int width) {
        double rows = 4.0 * count * width;
        return new Workload<>("embedding", Embedding.class, "scatter-add", shape(count, vocabulary, width),
                List.of(normal("dOut", count, width), ids("ids", vocabulary, count),
                        normal("dWeight", vocabulary, width).updated().touching(2 * rows)), (double) count * width,
                (f, m) -> f.scatterAdd(m.get(0), m.get(1), m.get(2), count, vocabulary, width))
                .against(SCATTER_ADD, null);
    }

    private static String shape(int count, int vocabulary, int width) {
        return count + "-of-" + vocabulary + "x" + width;
    }
}
