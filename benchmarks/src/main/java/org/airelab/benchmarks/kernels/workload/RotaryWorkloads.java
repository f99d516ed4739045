package org.airelab.benchmarks.kernels.workload;

import static org.airelab.benchmarks.kernels.workload.Operand.given;
import static org.airelab.benchmarks.kernels.workload.Operand.normal;
import static org.airelab.benchmarks.kernels.workload.Operand.output;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.kernels.rotary.RotaryTable.Pairing;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;

/** Queries and keys of multi-head attention turned, values copied; backward, their gradients turned back. */
final class RotaryWorkloads {
    private RotaryWorkloads() {
    }

    static List<Workload<?>> all() {
        return List.of(rotary(64, 12, 64, Pairing.HALF_SPLIT, false).alsoQuick(),
                rotary(64, 12, 64, Pairing.INTERLEAVED, false).alsoQuick(),
                rotary(64, 12, 64, Pairing.HALF_SPLIT, true).alsoQuick(),
                rotary(2048, 32, 128, Pairing.HALF_SPLIT, false), rotary(2048, 32, 128, Pairing.HALF_SPLIT, true));
    }

    static List<Workload<?>> large() {
        return List.of(rotary(8192, 32, 128, Pairing.HALF_SPLIT, false).alsoQuick(),
                rotary(8192, 32, 128, Pairing.HALF_SPLIT, true).alsoQuick());
    }

    /** From fewer places of a row than a warp has threads to more than a block has. */
    static List<Workload<?>> variants() {
        return Stream.of(1, 4, 8, 16, 32, 64, 128).flatMap(heads -> Stream.of(Pairing.values())
                .flatMap(pairing -> Stream.of(false, true)
                        .<Workload<?>>map(inverse -> rotary(3, heads, 16, pairing, inverse)))).toList();
    }

    /** The table is an operand: a GPU must hold it. */
    private static Workload<Rotary> rotary(int time, int heads, int size, Pairing pairing, boolean inverse) {
        RotaryTable table = new RotaryTable(time, size, 10_000, pairing);
        long width = 3L * heads * size;
        String pairs = pairing == Pairing.HALF_SPLIT ? "" : "-interleaved";
        return new Workload<>("rotary", Rotary.class, inverse ? "backward" : "forward",
                "t" + time + "-h" + heads + "-d" + size + pairs,
                List.of(normal("source", time, width), given("cosines", table.cosines(), time, size),
                        given("sines", table.sines(), time, size), output("target", time, width)),
                3.0 * time * 2 * heads * size,
                (f, m) -> f.rotate(table.in(m.get(1), m.get(2)), m.get(0), m.get(3), time, time, 2 * heads, 3 * heads,
                        inverse))
                .against(Baseline.ofArrays("mul, sub, add and cat", t -> rotate(t, heads, size, pairing, inverse))
                        .composed());
    }

    /** As models in PyTorch do it, in the source's type; the table has each pair's sine last, positive. */
    private static NDArray[] rotate(NDArray[] t, int heads, int size, Pairing pairing, boolean inverse) {
        NDManager scope = t[0].getManager();
        long time = t[0].getShape().get(0);
        NDArray packed = t[0].reshape(time, 3L * heads, size);
        NDArray turned = Aten.narrow(scope, packed, 1, 0, 2L * heads);
        NDArray cosine = ofPair(Aten.to(scope, t[1], NativeArrays.type(t[0])).reshape(time, 1, size), pairing, 1);
        NDArray sine = ofPair(Aten.to(scope, t[2], NativeArrays.type(t[0])).reshape(time, 1, size), pairing, 1);
        NDArray a = ofPair(turned, pairing, 0);
        NDArray b = ofPair(turned, pairing, 1);
        NDArray first = inverse ? a.mul(cosine).addi(b.mul(sine)) : a.mul(cosine).subi(b.mul(sine));
        NDArray second = inverse ? b.mul(cosine).subi(a.mul(sine)) : b.mul(cosine).addi(a.mul(sine));
        NDArray rotated = pairing == Pairing.HALF_SPLIT ? NDArrays.concat(new NDList(first, second), -1)
                : NDArrays.stack(new NDList(first, second), -1).reshape(turned.getShape());
        NDArray values = Aten.narrow(scope, packed, 1, 2L * heads, heads);
        return new NDArray[] {NDArrays.concat(new NDList(rotated, values), 1).reshape(t[0].getShape())};
    }

    /** The first or the second elements of the pairs of heads [time, heads, size]. */
    private static NDArray ofPair(NDArray heads, Pairing pairing, int which) {
        NDManager scope = heads.getManager();
        long pairs = heads.getShape().get(2) / 2;
        return pairing == Pairing.HALF_SPLIT ? Aten.narrow(scope, heads, 2, which * pairs, pairs)
                : Aten.select(scope, heads.reshape(heads.getShape().get(0), heads.getShape().get(1), pairs, 2), 3,
                        which);
    }
}
