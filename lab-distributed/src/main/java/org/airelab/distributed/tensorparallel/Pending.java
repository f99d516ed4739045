package org.airelab.distributed.tensorparallel;

import java.util.function.Supplier;
import org.airelab.distributed.group.Work;
import org.airelab.torch.Tensor;

/** A tensor that a collective is making. It is to be closed before the memory that the collective works on. */
final class Pending implements AutoCloseable {
    private final Supplier<Tensor> result;
    /** Null when nothing is waited for. */
    private Work work;

    /** {@code result} is asked for when the work is done. */
    Pending(Work work, Supplier<Tensor> result) {
        this.work = work;
        this.result = result;
    }

    Tensor await() {
        close();
        return result.get();
    }

    @Override
    public void close() {
        if (work != null) {
            Work once = work;
            work = null;
            once.await();
        }
    }
}
