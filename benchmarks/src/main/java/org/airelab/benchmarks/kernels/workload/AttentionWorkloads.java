package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.torch.Aten;
import org.airelab.torch.Operator;
import org.airelab.torch.Tensor;

/** Causal attention, and the rotation of its queries and keys. */
final class AttentionWorkloads {
    private static final Operator FLASH = Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu", "");
    private static final Operator FLASH_BACKWARD =
            Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu_backward", "");

    private static final Operator TRANSPOSE = Operator.of("aten::transpose", "int");

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

    private static Workload<Attention> forward(AttentionShape s) {
        return new Workload<>("attention", Attention.class, "forward", name(s),
                List.of(normal("qkv", s.batch(), s.time(), s.packedWidth()), output("out", s.batch(), s.time(),
                s.outWidth()),
                        output("lse", s.batch(), s.heads(), s.time()).inFloat32()), 2 * product(s),
                (f, m) -> f.forward(s, m.get(0), m.get(1), m.get(2)))
                .against(new Baseline("_scaled_dot_product_flash_attention_for_cpu", t -> flash(s, t)));
    }

    private static Workload<Attention> backward(AttentionShape s) {
        return new Workload<>("attention", Attention.class, "backward", name(s),
                List.of(normal("dOut", s.batch(), s.time(), s.outWidth()),
                        normal("qkv", s.batch(), s.time(), s.packedWidth()),
                        normal("out", s.batch(), s.time(), s.outWidth()),
                        normal("lse", s.batch(), s.heads(), s.time()).inFloat32(),
                        output("dQkv", s.batch(), s.time(), s.packedWidth())), 5 * product(s),
                (f, m) -> f.backward(s, m.get(0), m.get(1), m.get(2), m.get(3), m.get(4)))
                .after((f, m) -> f.forward(s, m.get(1), m.get(2), m.get(3)))
                .against(new Baseline("_scaled_dot_product_flash_attention_for_cpu_backward", t -> flashBackward(s,
                t)));
    }

    /** Operations of one product of all queries and keys that see each other. */
    private static double product(AttentionShape s) {
        double pairs = s.causal() ? s.time() * (s.time() + 1.0) / 2 : (double) s.time() * s.time();
        return 2.0 * s.batch() * s.heads() * pairs * s.headSize();
    }

    private static String name(AttentionShape s) {
        return String.format(Locale.ROOT, "b%d-t%d-h%d-d%d", s.batch(), s.time(), s.heads(), s.headSize());
    }

    private static Supplier<Tensor[]> flash(AttentionShape s, Tensor[] t) {
        Heads heads = new Heads(s, t[0]);
        return () -> {
            Tensor[] result = FLASH.call().tensor(heads.q).tensor(heads.k).tensor(heads.v).real(0).bool(s.causal())
                    .none().none().tensors(2);
            result[1].close();
            try (Tensor out = result[0]) {
                // libtorch's own layout is [batch, time, heads, size] behind a transposition, and so is ours.
                return TRANSPOSE.call().tensor(out).integer(1).integer(2).tensors(1);
            }
        };
    }

    /** Three tensors, not one packed as ours: there is nothing to compare element by element. */
    private static Supplier<Tensor[]> flashBackward(AttentionShape s, Tensor[] t) {
        Supplier<Tensor[]> gradients = flashGradients(s, t);
        return () -> {
            for (Tensor gradient : gradients.get()) {
                gradient.close();
            }
            return new Tensor[0];
        };
    }

    /** The gradients of queries, keys and values, [batch, heads, time, size] behind a transposition. */
    static Supplier<Tensor[]> flashGradients(AttentionShape s, Tensor[] t) {
        Heads heads = new Heads(s, t[1]);
        NDArray dOut = heads.perHead(t[0]);
        NDArray out = heads.perHead(t[2]);
        NDArray lse = t[3].share().attach(heads.manager);
        return () -> FLASH_BACKWARD.call().tensor(dOut).tensor(heads.q).tensor(heads.k).tensor(heads.v).tensor(out)
                .tensor(lse).real(0).bool(s.causal()).none().none().tensors(3);
    }

    /** Views of packed rows as libtorch takes them: [batch, heads, time, size]. */
    private static final class Heads {
        private final NDManager manager = NDManager.newBaseManager(Device.cpu());
        private final AttentionShape shape;
        private final NDArray q;
        private final NDArray k;
        private final NDArray v;

        Heads(AttentionShape s, Tensor packed) {
            shape = s;
            NDArray rows = packed.view(0, s.batch(), s.time(), s.heads() + 2L * s.kvHeads(), s.headSize())
                    .attach(manager);
            q = heads(rows, 0, s.heads());
            k = heads(rows, s.heads(), s.kvHeads());
            v = heads(rows, s.heads() + s.kvHeads(), s.kvHeads());
        }

        private NDArray heads(NDArray rows, int first, int count) {
            return Aten.transpose(manager, Aten.narrow(manager, rows, 2, first, count), 1, 2);
        }

        /** [batch, time, heads * size] as [batch, heads, time, size]. */
        NDArray perHead(Tensor rows) {
            return Aten.transpose(manager,
                    rows.view(0, shape.batch(), shape.time(), shape.heads(), shape.headSize()).attach(manager), 1, 2);
        }
    }

    static List<Workload<?>> rotary() {
        return List.of(rotary(64, 12, 64, RotaryTable.Pairing.HALF_SPLIT).alsoQuick(),
                rotary(64, 12, 64, RotaryTable.Pairing.INTERLEAVED).alsoQuick(),
                rotary(2048, 32, 128, RotaryTable.Pairing.HALF_SPLIT));
    }

    /** Queries and keys of multi-head attention turned, values copied; the table is an operand, as a GPU has to hold. */
    private static Workload<Rotary> rotary(int time, int heads, int size, RotaryTable.Pairing pairing) {
        RotaryTable table = new RotaryTable(time, size, 10_000, pairing);
        long width = 3L * heads * size;
        String pairs = pairing == RotaryTable.Pairing.HALF_SPLIT ? "" : "-interleaved";
        return new Workload<>("rotary", Rotary.class, "forward", "t" + time + "-h" + heads + "-d" + size + pairs,
                List.of(normal("source", time, width), normal("cosines", time, size).inFloat32(),
                        normal("sines", time, size).inFloat32(), output("target", time, width)),
                3.0 * time * 2 * heads * size,
                (f, m) -> f.rotate(table.in(m.get(1), m.get(2)), m.get(0), m.get(3), time, time, 2 * heads, 3 * heads,
                        false))
                .after((f, m) -> {
                    m.get(1).copyFrom(table.cosines());
                    m.get(2).copyFrom(table.sines());
                });
    }
}
