package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.torch.Operator;
import org.airelab.torch.Tensor;

/** Attention, most of it causal. */
final class AttentionWorkloads {
    private static final Operator FLASH = Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu", "");
    private static final Operator FLASH_BACKWARD =
            Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu_backward", "");

    private AttentionWorkloads() {
    }

    static List<Workload<?>> attention() {
        AttentionShape small = new AttentionShape(1, 128, 8, 8, 64, true);
        AttentionShape long1k = new AttentionShape(1, 1024, 8, 8, 64, true);
        AttentionShape narrow = new AttentionShape(4, 512, 8, 8, 32, true);
        AttentionShape wide = new AttentionShape(1, 512, 8, 8, 128, true);
        return List.of(forward(small).alsoQuick(), backward(small).alsoQuick(), forward(long1k), backward(long1k),
                forward(narrow), backward(narrow), forward(wide), backward(wide));
    }

    static List<Workload<?>> largeAttention() {
        AttentionShape usual = new AttentionShape(4, 2048, 16, 16, 64, true);
        AttentionShape wide = new AttentionShape(2, 4096, 16, 16, 128, true);
        AttentionShape grouped = new AttentionShape(1, 8192, 32, 8, 128, true);
        AttentionShape full = new AttentionShape(4, 2048, 16, 16, 128, false);
        AttentionShape trained = new AttentionShape(32, 1024, 12, 12, 64, true);
        return Stream.concat(Stream.<Workload<?>>of(forward(usual).alsoQuick(), backward(usual).alsoQuick(),
                forward(wide), backward(wide), forward(grouped), backward(grouped), forward(full), backward(full),
                forward(trained), backward(trained)), sweep()).toList();
    }

    /** 16k tokens of a model of width 2048 in sequences of any length: the shapes FlashAttention's authors measure. */
    private static Stream<Workload<?>> sweep() {
        return Stream.of(64, 128).flatMap(size -> Stream.of(512, 2048, 8192, 16_384)
                .flatMap(time -> Stream.of(true, false).flatMap(causal -> {
                    int heads = 2048 / size;
                    AttentionShape shape = new AttentionShape(16_384 / time, time, heads, heads, size, causal);
                    return Stream.of(forward(shape), backward(shape));
                })));
    }

    /** Head sizes that models have, in groups that share keys and values: a CPU's libtorch takes no groups. */
    static List<Workload<?>> attentionVariants() {
        return Stream.of(32, 64, 128, 256).map(size -> new AttentionShape(1, 70, 4, 2, size, true))
                .<Workload<?>>flatMap(shape -> Stream.of(forward(shape).against(null), backward(shape).against(null)))
                .toList();
    }

    /** Gradients that a rung may turn back or not: a training step's test compares them. */
    static List<Workload<?>> attentionSources() {
        return Stream.of(32, 64, 128, 256).map(size -> new AttentionShape(1, 70, 4, 2, size, true))
                .flatMap(shape -> Stream.of(RotaryTable.Pairing.values())
                        .<Workload<?>>map(pairing -> backwardOfRotated(shape, pairing))).toList();
    }

    static Workload<Attention> forward(AttentionShape s) {
        return new Workload<>("attention", Attention.class, "forward", name(s),
                List.of(normal("qkv", s.batch(), s.time(), s.packedWidth()), output("out", s.batch(), s.time(),
                s.outWidth()),
                        output("lse", s.batch(), s.heads(), s.time()).inFloat32()), 2 * product(s),
                (f, m) -> f.forward(s, m.get(0), m.get(1), m.get(2)))
                .against(new Baseline("_scaled_dot_product_flash_attention_for_cpu", (scope, t) -> flash(scope, s, t)),
                        new Baseline("scaled_dot_product_attention",
                                (scope, t) -> CudaAttentionBaseline.forward(scope, s, t)));
    }

    private static Workload<Attention> backwardOfRotated(AttentionShape s, RotaryTable.Pairing pairing) {
        RotaryTable table = new RotaryTable(s.time(), s.headSize(), 10_000, pairing);
        return new Workload<>("attention", Attention.class, "backward-of-rotated", name(s),
                List.of(normal("dOut", s.batch(), s.time(), s.outWidth()),
                        normal("qkv", s.batch(), s.time(), s.packedWidth()),
                        normal("out", s.batch(), s.time(), s.outWidth()),
                        normal("lse", s.batch(), s.heads(), s.time()).inFloat32(),
                        output("dQkv", s.batch(), s.time(), s.packedWidth()),
                        normal("cosines", s.time(), s.headSize()).inFloat32(),
                        normal("sines", s.time(), s.headSize()).inFloat32()), 5 * product(s),
                (f, m) -> f.backwardOfRotated(s, table.in(m.get(5), m.get(6)), m.get(0), m.get(1), m.get(2), m.get(3),
                        m.get(4)))
                .after((f, m) -> f.forward(s, m.get(1), m.get(2), m.get(3)));
    }

    static Workload<Attention> backward(AttentionShape s) {
        return new Workload<>("attention", Attention.class, "backward", name(s),
                List.of(normal("dOut", s.batch(), s.time(), s.outWidth()),
                        normal("qkv", s.batch(), s.time(), s.packedWidth()),
                        normal("out", s.batch(), s.time(), s.outWidth()),
                        normal("lse", s.batch(), s.heads(), s.time()).inFloat32(),
                        output("dQkv", s.batch(), s.time(), s.packedWidth())), 5 * product(s),
                (f, m) -> f.backward(s, m.get(0), m.get(1), m.get(2), m.get(3), m.get(4)))
                .after((f, m) -> f.forward(s, m.get(1), m.get(2), m.get(3)))
                .against(new Baseline("_scaled_dot_product_flash_attention_for_cpu_backward",
                                (scope, t) -> flashBackward(scope, s, t),
                                EnumSet.of(DType.FP32), parts -> PackedHeads.packed(s, parts)),
                        new Baseline("_scaled_dot_product_flash_attention_backward",
                                (scope, t) -> CudaAttentionBaseline.backward(scope, s, t),
                                EnumSet.of(DType.FP16, DType.BF16), parts -> PackedHeads.packed(s, parts)));
    }

    /** Operations of one product of all queries and keys that see each other. */
    private static double product(AttentionShape s) {
        double pairs = s.causal() ? s.time() * (s.time() + 1.0) / 2 : (double) s.time() * s.time();
        return 2.0 * s.batch() * s.heads() * pairs * s.headSize();
    }

    private static String name(AttentionShape s) {
        String grouped = s.kvHeads() == s.heads() ? "" : "-kv" + s.kvHeads();
        return String.format(Locale.ROOT, "b%d-t%d-h%d%s-d%d%s", s.batch(), s.time(), s.heads(), grouped, s.headSize(),
                s.causal() ? "" : "-full");
    }

    private static Supplier<Tensor[]> flash(NDManager scope, AttentionShape s, Tensor[] t) {
        PackedHeads heads = new PackedHeads(scope, s, t[0]);
        return () -> {
            Tensor[] result = FLASH.call().tensor(heads.q()).tensor(heads.k()).tensor(heads.v()).real(0)
                    .bool(s.causal()).none().none().tensors(2);
            result[1].close();
            return PackedHeads.rows(result[0]);
        };
    }

    /** The gradients of queries, keys and values, a tensor each. */
    private static Supplier<Tensor[]> flashBackward(NDManager scope, AttentionShape s, Tensor[] t) {
        PackedHeads heads = new PackedHeads(scope, s, t[1]);
        NDArray dOut = heads.perHead(t[0]);
        NDArray out = heads.perHead(t[2]);
        NDArray lse = t[3].share().attach(scope);
        return () -> PackedHeads.rows(FLASH_BACKWARD.call().tensor(dOut).tensor(heads.q()).tensor(heads.k())
                .tensor(heads.v()).tensor(out).tensor(lse).real(0).bool(s.causal()).none().none().tensors(3));
    }
}
