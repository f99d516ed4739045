package org.airelab.kernels;

import org.airelab.kernels.cpu.Cores;

/** One implementation of a family: a rung of its ladder from the naive to the fastest. */
public interface Rung {
    /** A short lower-case name, unique within the family: {@code float64}, {@code scalar}, {@code parallel}. */
    String name();

    /** Whether this machine runs the rung at its intended speed; the results are right either way. */
    default boolean available() {
        return true;
    }

    /** The cores of this machine that the rung computes on. */
    default Cores cores() {
        return Cores.ONE;
    }
}
