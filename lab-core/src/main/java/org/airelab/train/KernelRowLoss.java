package org.airelab.train;

import ai.djl.ndarray.NDArray;
import org.airelab.kernels.loss.CrossEntropy;
import org.airelab.torch.Aten;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;

/** By the lab's kernel, which overwrites the logits with their gradient. */
final class KernelRowLoss implements RowLoss {
    private final DeviceKernels kernels;

    KernelRowLoss(DeviceKernels kernels) {
        this.kernels = kernels;
    }

    private CrossEntropy kernel(NDArray logits) {
        return kernels.of(CrossEntropy.FAMILY, NativeArrays.type(logits));
    }

    private static int size(NDArray logits, int dimension) {
        return (int) logits.getShape().get(dimension);
    }

    @Override
    public void forward(NDArray logits, NDArray targets, NDArray losses) {
        kernel(logits).forward(NativeArrays.kernelMemory(logits), NativeArrays.kernelMemory(targets),
                NativeArrays.kernelMemory(losses), size(logits, 0), size(logits, 1), Aten.IGNORED);
    }

    @Override
    public NDArray forwardBackward(NDArray logits, NDArray targets, NDArray losses, double scale) {
        kernel(logits).forwardBackward(NativeArrays.kernelMemory(logits), NativeArrays.kernelMemory(targets),
                NativeArrays.kernelMemory(losses), size(logits, 0), size(logits, 1), Aten.IGNORED, (float) scale);
        return logits;
    }
}
