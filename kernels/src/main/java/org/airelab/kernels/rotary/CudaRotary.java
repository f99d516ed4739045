package org.airelab.kernels.rotary;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowPlaces;

/** {@link Rotary} on CUDA. */
final class CudaRotary implements Rotary {
    private static final String NAIVE = "naive";
    private static final String VECTORIZED = "vectorized";
    private static final int THREADS = 256;
    private static final int CHUNK_BYTES = 16;
    /** Blocks that a multiprocessor holds at once, with 40 registers a thread. */
    private static final int RESIDENT = 6;
    private final String name;
    private final Launcher launcher;
    private final DType dtype;

    private CudaRotary(String name, Launcher launcher, DType dtype) {
        this.name = name;
        this.launcher = launcher;
        this.dtype = dtype;
    }

    static List<CudaRung<Rotary>> rungs() {
        return List.of(rung(NAIVE), rung(VECTORIZED));
    }

    private static CudaRung<Rotary> rung(String name) {
        return CudaRung.portable(name, EnumSet.allOf(DType.class),
                (launcher, dtype) -> new CudaRotary(name, launcher, dtype));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void rotate(RotaryTable table, MemorySegment source, MemorySegment target, int rows, int time,
            int rotatedHeads, int heads, boolean inverse) {
        Rotary.check(table, source, target, rows, time, rotatedHeads, heads, dtype);
        // In place there is nothing to copy.
        var touched = source.address() == target.address() ? rotatedHeads : heads;
        if (rows == 0 || touched == 0) {
            return;
        }
        var sign = inverse ? -1f : 1f;
        if (name.equals(NAIVE)) {
            var pairs = (long) rows * touched * (table.headSize() / 2);
            launcher.launch(Launch.of(source().with("BLOCK", THREADS), "rotary", Parallel.pieces(pairs, THREADS),
                    THREADS), table.cosines(), table.sines(), source, target, pairs, time, rotatedHeads, touched, heads,
                    table.headSize(), table.distance(), sign);
        } else {
            var width = interleaved(table) ? table.headSize() : table.headSize() / 2;
            var places = RowPlaces.of(rows,
                    Math.multiplyExact(touched, Parallel.pieces((long) width * dtype.bytes(), CHUNK_BYTES)));
            var kernel = source().with("INTERLEAVED", interleaved(table) ? 1 : 0).with("RESIDENT", RESIDENT);
            launcher.launch(places.launch(kernel, "rotary"), table.cosines(), table.sines(), source, target, rows,
                    places.together(), time, rotatedHeads, touched, heads, table.headSize(), sign);
        }
    }

    private KernelSource source() {
        return KernelSource.of("rotary/" + name + ".cu", dtype);
    }

    private static boolean interleaved(RotaryTable table) {
        return table.pairing() == RotaryTable.Pairing.INTERLEAVED;
    }
}
