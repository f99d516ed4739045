package org.airelab.distributed.plan;

import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Recompute;

/**
 * Seconds that one rank computes in a pass, communication left out.
 *
 * @param forward   of a layer
 * @param backward  of a layer, what it computes again included
 * @param head      of the loss, forward and backward
 * @param optimizer of a step's update, of all parameters undivided
 */
record PassTimes(Work forward, Work backward, Work head, double optimizer) {
    /** Traffic of plain operators by that of fused ones: each widens to float32, computes and narrows again. */
    private static final double PLAIN = 3;
    /** Bytes a logit moved by a loss that overwrites logits, for a half type: written, read and written, read twice. */
    private static final double FUSED_LOGIT = 12;
    /** By plain operators: widened, log-softmax, its gradient, narrowed. */
    private static final double PLAIN_LOGIT = 30;
    /** Kernels of a layer, forward; backward there are twice as many. */
    private static final int LAUNCHES = 10;
    /** Seconds between the end of a kernel and the next one's full speed. */
    private static final double GAP = 3e-6;
    /** Bytes a parameter of a step's update: gradients cleared, their norm taken and read, weights read and written. */
    private static final double UPDATE = 20;
    /** And of each buffer of the optimizer's rule, read and written: 36 in all of Adam's. */
    private static final double UPDATE_BUFFER = 8;

    /**
     * Seconds by what bounds them.
     *
     * @param products  matrix products
     * @param attention fused attention
     * @param memory    all that is bound by memory or by launches
     */
    record Work(double products, double attention, double memory) {
        static final Work NONE = new Work(0, 0, 0);

        Work plus(Work other) {
            return new Work(products + other.products, attention + other.attention, memory + other.memory);
        }

        Work times(double factor) {
            return new Work(products * factor, attention * factor, memory * factor);
        }

        double total() {
            return products + attention + memory;
        }
    }

    static PassTimes of(Job job, Hardware gpu) {
        int bytes = job.elementBytes();
        KernelTimes times = new KernelTimes(gpu, bytes);
        LayerWork layer = LayerWork.of(job);
        Work forward = forward(job, layer, times);
        Work backward = backward(job, layer, times).plus(again(job, forward));
        return new PassTimes(forward, backward, head(job, times),
                times.moved((UPDATE + UPDATE_BUFFER * job.method().buffers())
                        * LayerWork.parameters(job, true, job.mesh().pp() == 1)));
    }

    private static double traffic(Job job) {
        return job.method().kernels() == Kernels.PLAIN ? PLAIN : 1;
    }

    /** Half of attention's operations, which causality leaves out, are not computed. */
    private static double attentionFlops(Job job) {
        return 2 * job.tokens() * job.model().contextLength() * job.model().dim() / job.mesh().tp();
    }

    private static Work forward(Job job, LayerWork layer, KernelTimes times) {
        double tokens = job.tokens();
        double products = layer.products().stream().mapToDouble(p -> times.product(tokens, p.out(), p.in())).sum();
        double casts = casts(job) ? layer.weights() * (4 + job.elementBytes()) : 0;
        double moved = tokens * layer.movedForward() * job.elementBytes() * traffic(job);
        return new Work(products, times.attention(attentionFlops(job)), times.moved(moved + casts) + LAUNCHES * GAP);
    }

    private static Work backward(Job job, LayerWork layer, KernelTimes times) {
        double tokens = job.tokens();
        double products = layer.products().stream().mapToDouble(p -> times.backward(tokens, p.out(), p.in())).sum();
        double added = casts(job) ? layer.weights() * (job.elementBytes() + 2 * 4) : 0;
        double moved = tokens * layer.movedBackward() * job.elementBytes() * traffic(job);
        return new Work(products, times.attention(2.5 * attentionFlops(job)),
                times.moved(moved + added) + 2 * LAUNCHES * GAP);
    }

    /** Whether weights are rounded for each pass and its gradients widened: kept and computed types differ. */
    private static boolean casts(Job job) {
        return job.elementBytes() == 2;
    }

    private static Work again(Job job, Work forward) {
        return switch (job.method().recompute()) {
            case NONE -> Work.NONE;
            case SELECTIVE -> new Work(forward.products / 2, 0, forward.memory);
            case FULL -> forward;
        };
    }

    private static Work head(Job job, KernelTimes times) {
        double rows = job.tokens();
        double width = Math.ceil((double) job.model().vocabSize() / job.mesh().tp());
        int dim = job.model().dim();
        double logit = job.method().kernels() == Kernels.FUSED ? FUSED_LOGIT : PLAIN_LOGIT;
        return new Work(times.product(rows, width, dim) + times.backward(rows, width, dim), 0,
                times.moved(rows * width * logit * job.elementBytes() / 2));
    }
}
