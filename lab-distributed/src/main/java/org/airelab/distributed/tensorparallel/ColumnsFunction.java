package org.airelab.distributed.tensorparallel;

import org.airelab.torch.CustomFunction;
import org.airelab.torch.LinearProducts;
import org.airelab.torch.Tensor;

/**
 * The whole of the stream x times this rank's rows of a weight. Of the stream only this rank's part is kept: the
 * backward pass fetches the others' again while it computes the gradient of x, whose sum it forms while it computes
 * that of the weight (Korthikanti et al. 2022, section 4.2.2).
 */
final class ColumnsFunction extends CustomFunction {
    private final Border border;

    ColumnsFunction(Border border) {
        this.border = border;
    }

    @Override
    protected Result forward(Made made, Tensor x, Tensor w) {
        try (Pending whole = border.whole(made, x)) {
            return new Result(made.add(LinearProducts.forward(whole.await(), w)), made.like(x, 0));
        }
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor w, Tensor saved) {
        try (Pending whole = border.whole(made, x)) {
            Tensor partial = made.add(LinearProducts.inputGradient(dy, w));
            try (Pending dx = border.sum(made, partial)) {
                Tensor dw = made.add(LinearProducts.weightGradient(dy, whole.await()));
                return new Gradients(dx.await(), dw);
            }
        }
    }
}
