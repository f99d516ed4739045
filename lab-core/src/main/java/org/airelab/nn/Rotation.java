package org.airelab.nn;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.Tensor;

/** Rotates the queries and keys of packed rows in place, each row by the position that its token has. */
final class Rotation {
    private final DeviceKernels kernels;
    private final ModelConfig config;
    private final ContextDivision division;
    private final HeadCounts counts;
    /** By the rank's tokens of a sequence; whole sequences of any length share the table of the longest. */
    private final Map<Integer, RotaryTable> tables = new ConcurrentHashMap<>();

    /** Begins with the table for sequences of the context's length. */
    Rotation(DeviceKernels kernels, ModelConfig config, ContextDivision division, HeadCounts counts) {
        this.kernels = kernels;
        this.config = config;
        this.division = division;
        this.counts = counts;
        table(division.share(config.contextLength()));
    }

    /** The angles of the rank's {@code time} tokens of a sequence, where the kernels read them. */
    RotaryTable table(int time) {
        return tables.computeIfAbsent(division.ranks() == 1 ? config.contextLength() : time, this::make);
    }

    private RotaryTable make(int time) {
        RotaryTable whole = new RotaryTable(config.contextLength(), config.headSize(), config.ropeTheta(),
                config.positions() == ModelConfig.Positions.ROPE_HALF ? RotaryTable.Pairing.HALF_SPLIT
                        : RotaryTable.Pairing.INTERLEAVED);
        RotaryTable mine = division.ranks() == 1 ? whole : whole.at(division.positions(time));
        return mine.in(kernels.onDevice(mine.cosines()), kernels.onDevice(mine.sines()));
    }

    /** Rotates rows [batch, time, (heads + 2 kvHeads) * headSize], or back. */
    void rotate(Tensor rows, boolean inverse) {
        int time = (int) rows.size(1);
        kernels.of(Rotary.FAMILY, rows.type()).rotate(table(time), rows.kernelMemory(), rows.kernelMemory(),
                (int) rows.size(0) * time, time, counts.queries() + counts.keyValues(), counts.packed(), inverse);
    }
}
