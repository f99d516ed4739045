package org.airelab.kernels.matmul;

import org.airelab.kernels.cpu.Parallel;

/**
 * The packed copy of a part of A or B: for each block of k, one panel after the other.
 *
 * @param address where the copy is
 * @param width   lines of a panel
 * @param lines   rows of op(A), or columns of op(B), of the part
 * @param k       elements of a line
 * @param depth   elements of a line in a block of k
 */
record PackedOperand(long address, int width, int lines, int k, int depth) {
    /** Lines a task copies, about. */
    private static final int TASK_LINES = 96;
    /** Steps of k after which a task turns to the next panel: few enough that what panels share stays in L1. */
    private static final int STEPS = 32;

    /** Bytes of all panels. */
    long bytes() {
        return Panels.bytes(width, depth) * panels() * blocks();
    }

    /** Panels in a block of k. */
    int panels() {
        return Parallel.pieces(lines, width);
    }

    /** Blocks of k. */
    int blocks() {
        return Parallel.pieces(k, depth);
    }

    /** Steps of k in a block. */
    int steps(int block) {
        return Math.min(depth, k - block * depth);
    }

    /** Address of a panel. */
    long panel(int block, int panel) {
        return address + Panels.bytes(width, depth) * ((long) block * panels() + panel);
    }

    /** Lines of a panel that are not padding. */
    int lines(int panel) {
        return Math.min(width, lines - panel * width);
    }

    /** Tasks that make the copy. */
    int tasks() {
        return Parallel.pieces(panels(), group()) * blocks();
    }

    /** Panels a task makes together: in a matrix whose lines are columns, they share cache lines. */
    private int group() {
        return Math.max(1, TASK_LINES / width);
    }

    /**
     * Makes a group of panels of one block of k.
     *
     * @param from   address of the part's first element
     * @param across bytes from one line to the next
     * @param along  bytes from one element of a line to the next
     */
    void copy(int task, long from, long across, long along) {
        var block = task % blocks();
        var first = task / blocks() * group();
        var end = Math.min(panels(), first + group());
        for (var k = 0; k < steps(block); k += STEPS) {
            for (var panel = first; panel < end; panel++) {
                Panels.copy(width, lines(panel), Math.min(STEPS, steps(block) - k),
                        from + panel * width * across + (block * depth + k) * along, across, along,
                        panel(block, panel) + 4L * width * k);
            }
        }
    }
}
