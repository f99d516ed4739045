package org.airelab.kernels.matmul;

import org.airelab.kernels.cpu.Parallel;

/** The packed copy of a part of A or B: for each block of k, one panel after the other. Sizes are in elements. */
final class PackedOperand {
    /** Lines a task copies, about. */
    private static final int TASK_LINES = 192;
    /** Steps of k after which a task turns to the next panel: few enough that what is shared stays in L1. */
    private static final int STEPS = Transposition.SIZE;

    private final int width;
    private final int lines;
    private final int k;
    private final int depth;
    private final int panels;
    private final int blocks;
    private final int group;
    private final long panelBytes;
    private long address;

    /**
     * A copy that still needs a {@linkplain #place place}.
     *
     * @param width lines of a panel
     * @param lines rows of op(A), or columns of op(B), of the part
     * @param k     elements of a line
     * @param depth elements of a line in a block of k
     */
    PackedOperand(int width, int lines, int k, int depth) {
        this.width = width;
        this.lines = lines;
        this.k = k;
        this.depth = depth;
        panels = Parallel.pieces(lines, width);
        blocks = Parallel.pieces(k, depth);
        group = Math.max(1, TASK_LINES / width);
        panelBytes = Panels.bytes(width, depth);
    }

    /** Puts the copy at an address and returns the address after it. */
    long place(long address) {
        this.address = address;
        return address + bytes();
    }

    /** Bytes of all panels. */
    long bytes() {
        return panelBytes * panels * blocks;
    }

    /** Panels in a block of k. */
    int panels() {
        return panels;
    }

    /** Blocks of k. */
    int blocks() {
        return blocks;
    }

    /** Steps of k in a block. */
    int steps(int block) {
        return Math.min(depth, k - block * depth);
    }

    /** Address of a panel. */
    long panel(int block, int panel) {
        return address + panelBytes * ((long) block * panels + panel);
    }

    /** Lines of a panel that are not padding. */
    int lines(int panel) {
        return Math.min(width, lines - panel * width);
    }

    /** Tasks that make the copy. */
    int tasks() {
        return Parallel.pieces(panels, group) * blocks;
    }

    /**
     * Makes a group of panels of one block of k.
     *
     * @param from   address of the part's first element
     * @param across bytes from one line to the next
     * @param along  bytes from one element of a line to the next
     */
    void copy(int task, long from, long across, long along) {
        var block = task % blocks;
        var first = task / blocks * group;
        var end = Math.min(panels, first + group);
        // Panels of columns share cache lines, so they go down k together; of rows, one panel is streams enough.
        var together = across == Float.BYTES ? group : 1;
        for (var panel = first; panel < end; panel += together) {
            for (var start = 0; start < steps(block); start += STEPS) {
                for (var x = panel; x < Math.min(end, panel + together); x++) {
                    Panels.copy(width, lines(x), Math.min(STEPS, steps(block) - start),
                            from + x * width * across + (block * depth + start) * along, across, along,
                            panel(block, x) + 4L * width * start);
                }
            }
        }
    }
}
