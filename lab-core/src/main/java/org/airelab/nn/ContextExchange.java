package org.airelab.nn;

import ai.djl.Device;
import org.airelab.kernels.attention.Attention;
import org.airelab.torch.ScalarType;

/** How attention reaches the tokens of its sequences that other ranks have. */
public interface ContextExchange {
    /** Where sequences are whole. */
    ContextExchange NONE = new ContextExchange() {
        @Override
        public ContextDivision division() {
            return ContextDivision.NONE;
        }

        @Override
        public Attention attention(Attention kernel, ScalarType type, Device device) {
            return kernel;
        }
    };

    /** Which tokens this rank has. */
    ContextDivision division();

    /**
     * Causal attention of this rank's tokens to those of all ranks, each called with its own rows at the same time.
     *
     * @param kernel computes it of tokens that are on one rank
     * @param type   of the rows
     * @param device of the memory it is given
     */
    Attention attention(Attention kernel, ScalarType type, Device device);
}
