package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** How the optimizers' CUDA rungs launch a step: a range of flat float32 arrays, element by element. */
final class CudaUpdate {
    private CudaUpdate() {}

    /**
     * Launches {@code optimizer/<name>-<sharing>.cu}; an empty range launches nothing.
     *
     * @param arrays    the weights and what else a step reads and writes; null for a state that is not there
     * @param constants what follows the gradient's scale among the kernel's parameters
     */
    static void launch(String name, ElementSharing sharing, Launcher launcher, UpdateRange range,
            List<MemorySegment> arrays, float... constants) {
        if (range.count() == 0) {
            return;
        }
        var arguments = new ArrayList<Object>();
        arrays.forEach(array -> arguments.add(range.of(array)));
        arguments.add(range.count());
        arguments.add(range.gradientScale());
        for (var constant : constants) {
            arguments.add(constant);
        }
        launcher.launch(sharing.launch(sharing.source("optimizer/" + name + "-", DType.FP32),
                name.replace('-', '_') + "_step", range.count(), DType.FP32), arguments.toArray());
    }
}
