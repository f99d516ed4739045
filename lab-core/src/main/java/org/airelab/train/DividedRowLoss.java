package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import org.airelab.nn.IdRange;
import org.airelab.nn.TensorDivision;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/**
 * Of logits of which each rank has a range of the vocabulary (Shoeybi et al. 2019, section 3): of each row the ranks
 * tell each other three numbers, their largest logit, the sum of the exponentials of the others' distances to it, and
 * the target's logit, which all but one have as 0. Logits stay where they are. All is float32, whatever the logits'
 * type; every rank gets the same losses, bit by bit. A target beyond the vocabulary is nobody's: its logit counts as 0.
 */
final class DividedRowLoss implements RowLoss {
    private final TensorDivision division;
    private final IdRange range;
    private final NDArray ignored;

    /** {@code manager} owns constants; its device is the logits'. */
    DividedRowLoss(NDManager manager, TensorDivision division, int vocabulary) {
        this.division = division;
        this.range = new IdRange(manager, division.range(vocabulary));
        this.ignored = manager.create((long) Aten.IGNORED);
    }

    /**
     * What is known of rows when the ranks have spoken; all [n, 1] but the first.
     *
     * @param softmax of this rank's logits alone [n, width]
     * @param share   of this rank's exponentials in the sum of all
     * @param place   of the target among this rank's logits, if it is there
     * @param mine    1 where it is, else 0
     * @param counts  1 where a target counts, else 0
     * @param loss    of the row
     */
    private record Rows(NDArray softmax, NDArray share, NDArray place, NDArray mine, NDArray counts, NDArray loss) {
    }

    private Rows rows(NDArray logits, NDArray targets) {
        NDManager scope = logits.getManager();
        NDArray wide = NativeArrays.convert(scope, logits, ScalarType.FLOAT32);
        NDArray column = targets.reshape(-1, 1);
        NDArray place = range.index(column);
        NDArray mine = range.within(column, place, ScalarType.FLOAT32);
        NDArray counts = Aten.to(scope, column.neq(ignored), ScalarType.FLOAT32);
        NDArray softmax = Aten.softmax(scope, wide);
        NDArray[] max = Aten.max(scope, wide);
        // The largest has the exponential 1, and so its softmax is one by the sum.
        NDArray sum = Aten.number(scope, 1).div(Aten.gather(scope, softmax, max[1]));
        NDArray told = NDArrays.stack(new NDList(max[0], sum, Aten.gather(scope, wide, place).mul(mine)));
        told.attach(scope);
        NDArray heard = division.all(told);
        NDArray maxima = Aten.select(scope, heard, 1, 0);
        NDArray largest = maxima.max(new int[] {0});
        NDArray all = Aten.select(scope, heard, 1, 1).mul(maxima.sub(largest).exp()).sum(new int[] {0});
        NDArray logit = Aten.select(scope, heard, 1, 2).sum(new int[] {0});
        return new Rows(softmax, max[0].sub(largest).exp().mul(sum).div(all), place, mine, counts,
                largest.sub(logit).add(all.log()).mul(counts));
    }

    /** Fewer: their float32 copy, its softmax and the gradient are there beside the logits. */
    @Override
    public long mostOnGpu() {
        return 1L << 28;
    }

    @Override
    public void forward(NDArray logits, NDArray targets, NDArray losses) {
        NativeArrays.copy(rows(logits, targets).loss.reshape(losses.getShape()), losses);
    }

    @Override
    public NDArray forwardBackward(NDArray logits, NDArray targets, NDArray losses, double scale) {
        NDManager scope = logits.getManager();
        Rows rows = rows(logits, targets);
        NativeArrays.copy(rows.loss.reshape(losses.getShape()), losses);
        // Each row's softmax over all ranks' logits, times the scale; less that at the target.
        NDArray factor = Aten.scale(scope, rows.share.mul(rows.counts), scale);
        NDArray gradient = rows.softmax.muli(factor);
        Aten.addAt(gradient, rows.place, Aten.scale(scope, rows.mine, -scale));
        return NativeArrays.convert(scope, gradient, NativeArrays.type(logits));
    }
}
