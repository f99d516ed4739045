package org.airelab.distributed.contextparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** A kernel for rows of a half type that computes in float32, as those of GPUs do. */
record HalfAttention(Attention kernel, ScalarType type) implements Attention {
    @Override
    public String name() {
        return kernel.name();
    }

    @Override
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        try (NDManager scope = NDManager.newBaseManager(Device.cpu())) {
            NDArray wide = floats(scope, shape.outSize());
            kernel.forward(shape, widen(scope, qkv, shape.packedSize()), NativeArrays.memory(wide), lse);
            narrow(scope, wide, out);
        }
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        try (NDManager scope = NDManager.newBaseManager(Device.cpu())) {
            NDArray wide = floats(scope, shape.packedSize());
            kernel.backward(shape, widen(scope, dOut, shape.outSize()), widen(scope, qkv, shape.packedSize()),
                    widen(scope, out, shape.outSize()), lse, NativeArrays.memory(wide));
            narrow(scope, wide, dQkv);
        }
    }

    private static NDArray floats(NDManager scope, long elements) {
        return Tensor.empty(ScalarType.FLOAT32, Device.cpu(), elements).attach(scope);
    }

    private MemorySegment widen(NDManager scope, MemorySegment half, long elements) {
        NDArray wide = floats(scope, elements);
        NativeArrays.copy(NativeArrays.over(scope, half, type, elements), wide);
        return NativeArrays.memory(wide);
    }

    private void narrow(NDManager scope, NDArray wide, MemorySegment half) {
        NativeArrays.copy(wide, NativeArrays.over(scope, half, type, wide.size()));
    }
}
