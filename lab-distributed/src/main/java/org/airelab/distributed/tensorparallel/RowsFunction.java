package org.airelab.distributed.tensorparallel;

import org.airelab.torch.CustomFunction;
import org.airelab.torch.LinearProducts;
import org.airelab.torch.Tensor;

/** This rank's columns x times its columns of a weight, summed over the ranks to the stream. */
final class RowsFunction extends CustomFunction {
    private final Border border;

    RowsFunction(Border border) {
        this.border = border;
    }

    @Override
    protected Result forward(Made made, Tensor x, Tensor w) {
        Tensor partial = made.add(LinearProducts.forward(x, w));
        try (Pending sum = border.sum(made, partial)) {
            return new Result(sum.await(), made.like(x, 0));
        }
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor w, Tensor saved) {
        try (Pending whole = border.whole(made, dy)) {
            Tensor dAll = whole.await();
            return new Gradients(made.add(LinearProducts.inputGradient(dAll, w)),
                    made.add(LinearProducts.weightGradient(dAll, x)));
        }
    }
}
