package org.airelab.kernels.matmul;

import jdk.incubator.vector.FloatVector;

/**
 * The product of two packed panels in registers: the inner kernel of Goto and van de Geijn, "Anatomy of
 * High-Performance Matrix Multiplication", 2008, section 6.
 *
 * <p>The width of the vectors decides which elements are computed together and nothing else: each is one chain of
 * multiply-adds over k in order, so every tile gives the same bits.
 *
 * <p>The methods are written for the compiler. They call the Vector API without a helper between, because only methods
 * of the JDK are inlined however large the caller has grown; they are longer than 325 bytes of bytecode, so that they
 * are compiled by themselves; and the steps between elements are constants, so that no check is left in the loop.
 */
sealed interface RegisterTile permits Tile3x24, Tile12x32 {
    /** Rows of a tile. */
    int rows();

    /** Columns of a tile, a multiple of eight. */
    int columns();

    /**
     * Tile = A B.
     *
     * @param a    address of a panel of A, [depth, rows]
     * @param b    address of a panel of B, [depth, columns]
     * @param tile address of the result, [rows, columns]
     */
    void multiply(int depth, long a, long b, long tile);

    /** The tile for this machine's vectors. */
    static RegisterTile widest() {
        return FloatVector.SPECIES_PREFERRED.length() >= 16 ? new Tile12x32() : new Tile3x24();
    }
}
