package org.airelab.kernels;

import java.util.List;
import org.airelab.kernels.activation.Activation;
import org.airelab.kernels.activation.SwiGlu;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.embedding.Embedding;
import org.airelab.kernels.loss.CrossEntropy;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.norm.LayerNorm;
import org.airelab.kernels.norm.RmsNorm;
import org.airelab.kernels.optimizer.Adam;
import org.airelab.kernels.optimizer.GradientNorm;
import org.airelab.kernels.optimizer.GradientSum;
import org.airelab.kernels.optimizer.RmsProp;
import org.airelab.kernels.optimizer.Sgd;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.softmax.Softmax;

/** All kernel families, for tests and benchmarks. */
public final class Families {
    private Families() {}

    /** Every family, in the order of a training step. */
    public static List<Family<?>> all() {
        return List.of(Embedding.FAMILY, RmsNorm.FAMILY, LayerNorm.FAMILY, Rotary.FAMILY, Matmul.FAMILY, Softmax.FAMILY,
                Attention.FAMILY, SwiGlu.FAMILY, Activation.GELU, Activation.GELU_TANH, Activation.RELU,
                CrossEntropy.FAMILY, GradientSum.FAMILY, GradientNorm.FAMILY, Adam.FAMILY, Sgd.FAMILY, RmsProp.FAMILY);
    }
}
