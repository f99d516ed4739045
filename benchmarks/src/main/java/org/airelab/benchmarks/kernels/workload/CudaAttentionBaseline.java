package org.airelab.benchmarks.kernels.workload;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.function.Supplier;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.torch.Operator;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * libtorch's attention on a GPU. Forward it chooses among its kernels itself: flash attention in half types, the
 * memory-efficient one in float32. Backward there is flash attention's only, called as its derivative formula does:
 * the memory-efficient one takes a list, which the bridge cannot pass.
 */
final class CudaAttentionBaseline {
    private static final Operator ATTENTION = Operator.of("aten::scaled_dot_product_attention", "");
    private static final Operator BACKWARD = Operator.of("aten::_scaled_dot_product_flash_attention_backward", "");

    private CudaAttentionBaseline() {
    }

    static Supplier<Tensor[]> forward(NDManager scope, AttentionShape s, Tensor[] t) {
        PackedHeads heads = new PackedHeads(scope, s, t[0]);
        boolean grouped = s.kvHeads() < s.heads();
        return () -> PackedHeads.rows(ATTENTION.call().tensor(heads.q()).tensor(heads.k()).tensor(heads.v()).none()
                .real(0).bool(s.causal()).none().bool(grouped).tensors(1)[0]);
    }

    /** The gradients of queries, keys and values, a tensor each. */
    static Supplier<Tensor[]> backward(NDManager scope, AttentionShape s, Tensor[] t) {
        PackedHeads heads = new PackedHeads(scope, s, t[1]);
        NDArray dOut = heads.perHead(t[0]);
        NDArray out = heads.perHead(t[2]);
        NDArray lse = t[3].share().attach(scope);
        // What only batches of several lengths and dropout use.
        NDArray none = Tensor.undefined().attach(scope);
        NDArray random = Tensor.empty(ScalarType.INT64, t[0].device()).attach(scope);
        return () -> PackedHeads.rows(BACKWARD.call().tensor(dOut).tensor(heads.q()).tensor(heads.k())
                .tensor(heads.v()).tensor(out).tensor(lse).tensor(none).tensor(none).integer(s.time()).integer(s.time())
                .real(0).bool(s.causal()).tensor(random).tensor(random).none().tensors(3));
    }
}
