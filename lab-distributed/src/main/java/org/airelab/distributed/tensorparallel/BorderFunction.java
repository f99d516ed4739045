package org.airelab.distributed.tensorparallel;

import org.airelab.torch.Aten;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.Tensor;

/** Crossing the border, inwards or outwards; the second argument is the first once more. */
final class BorderFunction extends CustomFunction {
    private final Border border;
    private final boolean inwards;

    private BorderFunction(Border border, boolean inwards) {
        this.border = border;
        this.inwards = inwards;
    }

    /** From the stream to the whole of it. */
    static BorderFunction enter(Border border) {
        return new BorderFunction(border, true);
    }

    /** From values whose sum is the stream to it; they are overwritten. */
    static BorderFunction leave(Border border) {
        return new BorderFunction(border, false);
    }

    @Override
    protected Result forward(Made made, Tensor x, Tensor same) {
        return new Result(cross(made, x, inwards), made.like(x, 0));
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor same, Tensor saved) {
        // What comes from autograd may be another's gradient, too.
        return new Gradients(cross(made, inwards ? made.add(Aten.copy(dy)) : dy, !inwards), null);
    }

    private Tensor cross(Made made, Tensor x, boolean in) {
        try (Pending result = in ? border.whole(made, x) : border.sum(made, x)) {
            return result.await();
        }
    }
}
