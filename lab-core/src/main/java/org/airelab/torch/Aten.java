package org.airelab.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/** The ATen operators the lab uses and DJL lacks, or has only with a cut graph. Results belong to the given manager. */
public final class Aten {
    private static final Operator LINEAR = Operator.of("aten::linear", "");
    private static final Operator ATTENTION = Operator.of("aten::scaled_dot_product_attention", "");
    private static final Operator CROSS_ENTROPY = Operator.of("aten::cross_entropy_loss", "");
    private static final Operator EMBEDDING = Operator.of("aten::embedding", "");
    private static final Operator TO = Operator.of("aten::to", "dtype");
    private static final Operator SILU = Operator.of("aten::silu", "");
    private static final Operator MUL = Operator.of("aten::mul", "Tensor");
    private static final Operator RELU = Operator.of("aten::relu", "");
    private static final Operator SELECT_INT = Operator.of("aten::select", "int");
    private static final Operator RSQRT = Operator.of("aten::rsqrt", "");
    private static final Operator NARROW = Operator.of("aten::narrow", "");
    private static final Operator TRANSPOSE = Operator.of("aten::transpose", "int");
    private static final Operator ALL_FINITE = Operator.of("aten::isfinite", "");
    private static final Operator ALL = Operator.of("aten::all", "");
    private static final Operator MM = Operator.of("aten::mm", "");
    private static final Operator MM_OUT = Operator.of("aten::mm", "out");
    private static final Operator SUM_ALL = Operator.of("aten::sum", "");
    private static final Operator ZERO = Operator.of("aten::zero_", "");
    private static final Operator CONTIGUOUS = Operator.of("aten::contiguous", "");
    private static final Operator DROPOUT = Operator.of("aten::dropout", "");
    private static final Operator SIGMOID = Operator.of("aten::sigmoid", "");
    private static final Operator LOG_ADD_EXP = Operator.of("aten::logaddexp", "");
    private static final Operator LERP_INTO = Operator.of("aten::lerp_", "Tensor");
    private static final Operator IS_MINUS_INFINITY = Operator.of("aten::isneginf", "");
    private static final Operator FILL = Operator.of("aten::masked_fill_", "Tensor");
    private static final Operator INDEX_SELECT = Operator.of("aten::index_select", "");
    private static final Operator CLAMP = Operator.of("aten::clamp", "Tensor");
    private static final Operator MAX = Operator.of("aten::max", "dim");
    private static final Operator SOFTMAX = Operator.of("aten::_softmax", "");
    private static final Operator GATHER = Operator.of("aten::gather", "");
    private static final Operator SCATTER_ADD = Operator.of("aten::scatter_add_", "");
    private static final Operator CLONE = Operator.of("aten::clone", "");
    private static final int CONTIGUOUS_FORMAT = 0;
    private static final int MEAN = 1;
    private static final int SUM = 2;

    /** The target that no loss is computed of. */
    public static final int IGNORED = -100;

    private Aten() {
    }

    /** {@code x W^T + bias}: x [..., in], weight [out, in], bias [out] or null. */
    public static NDArray linear(NDManager manager, NDArray x, NDArray weight, NDArray bias) {
        return LINEAR.on(manager).tensor(x).tensor(weight).optional(bias).result();
    }

    /**
     * Attention of queries [batch, heads, time, size] over keys and values [batch, kvHeads, keys, size], with scale
     * 1/sqrt(size); where kvHeads is smaller, each serves heads/kvHeads query heads in a row.
     *
     * @param mask    additive, broadcast to [batch, heads, time, keys], or null
     * @param causal  query i sees keys 0..i; not together with a mask
     * @param dropout probability with which a weight is dropped
     */
    public static NDArray attention(NDManager manager, NDArray q, NDArray k, NDArray v, NDArray mask, double dropout,
            boolean causal) {
        long group = q.getShape().get(1) / k.getShape().get(1);
        boolean grouped = group > 1;
        if (grouped && !flashOnGpu(q, mask)) {
            // Only CUDA's flash kernel knows grouped heads; elsewhere they lead to one that is several times slower.
            k = k.repeat(1, group);
            v = v.repeat(1, group);
            grouped = false;
        }
        return ATTENTION.on(manager).tensor(q).tensor(k).tensor(v).optional(mask).real(dropout).bool(causal).none()
                .bool(grouped).result();
    }

    private static boolean flashOnGpu(NDArray q, NDArray mask) {
        ScalarType type = NativeArrays.type(q);
        return NativeArrays.device(q).isGpu() && mask == null
                && (type == ScalarType.FLOAT16 || type == ScalarType.BFLOAT16);
    }

    /**
     * Mean cross-entropy in nats of logits [n, classes] against int64 targets [n], over the targets that are not
     * {@value #IGNORED}; NaN when all are.
     */
    public static NDArray crossEntropy(NDManager manager, NDArray logits, NDArray targets) {
        return crossEntropy(manager, logits, targets, MEAN);
    }

    /** As {@link #crossEntropy}, the sum in place of the mean; 0 when all targets are ignored. */
    public static NDArray crossEntropySum(NDManager manager, NDArray logits, NDArray targets) {
        return crossEntropy(manager, logits, targets, SUM);
    }

    private static NDArray crossEntropy(NDManager manager, NDArray logits, NDArray targets, int reduction) {
        return CROSS_ENTROPY.on(manager).tensor(logits).tensor(targets).none().integer(reduction).integer(IGNORED)
                .real(0).result();
    }

    /** Rows of weight [n, d] picked by int64 ids of any shape: [..., d]. */
    public static NDArray embedding(NDManager manager, NDArray weight, NDArray ids) {
        return EMBEDDING.on(manager).tensor(weight).tensor(ids).integer(-1).bool(false).bool(false).result();
    }

    /** Conversion under autograd; the array itself, shared, when it has the type already. */
    public static NDArray to(NDManager manager, NDArray x, ScalarType type) {
        return TO.on(manager).tensor(x).integer(type.code()).bool(false).bool(false).none().result();
    }

    /** x sigmoid(x), element by element. */
    public static NDArray silu(NDManager manager, NDArray x) {
        return SILU.on(manager).tensor(x).result();
    }

    /**
     * A number as an operand, {@code x.add(number(scope, 1))}, for x of any floating-point type and device: it has no
     * dimensions, takes on x's type unless x has none either, and is passed to a device's kernel by value.
     *
     * <p>DJL's own {@code add(Number)} and the like will not do: on a device each is a copy that the host waits for,
     * and under autograd they keep a tensor over a Java buffer that the garbage collector may free before the
     * backward pass, so that gradients vanish now and then.
     */
    public static NDArray number(NDManager manager, double value) {
        return Tensor.scalar(value).attach(manager);
    }

    /** x times a number. */
    public static NDArray scale(NDManager manager, NDArray x, double factor) {
        return MUL.on(manager).tensor(x).tensor(number(manager, factor)).result();
    }

    /** max(0, x), element by element. */
    public static NDArray relu(NDManager manager, NDArray x) {
        return RELU.on(manager).tensor(x).result();
    }

    /** 1/sqrt(x), element by element. */
    public static NDArray rsqrt(NDManager manager, NDArray x) {
        return RSQRT.on(manager).tensor(x).result();
    }

    /** 1 / (1 + e^-x), element by element. */
    public static NDArray sigmoid(NDManager manager, NDArray x) {
        return SIGMOID.on(manager).tensor(x).result();
    }

    /** log(e^a + e^b), element by element, without overflow. */
    public static NDArray logAddExp(NDManager manager, NDArray a, NDArray b) {
        return LOG_ADD_EXP.on(manager).tensor(a).tensor(b).result();
    }

    /** {@code a += weight (b - a)}, element by element, all of one type; b and weight are broadcast. */
    public static void lerpInto(NDArray a, NDArray b, NDArray weight) {
        LERP_INTO.call().tensor(a).tensor(b).tensor(weight).tensors(1)[0].close();
    }

    /** Where elements are -infinity, as booleans. */
    public static NDArray isMinusInfinity(NDManager manager, NDArray x) {
        return IS_MINUS_INFINITY.on(manager).tensor(x).result();
    }

    /** Sets elements to a number where a mask holds: booleans, broadcast to the shape of x. */
    public static void fill(NDArray x, NDArray mask, NDArray number) {
        FILL.call().tensor(x).tensor(mask).tensor(number).tensors(1)[0].close();
    }

    /** A window of {@code length} from {@code start} along a dimension (negative counts from the last); a view. */
    public static NDArray narrow(NDManager manager, NDArray x, int dimension, long start, long length) {
        return NARROW.on(manager).tensor(x).integer(dimension).integer(start).integer(length).result();
    }

    /** Index {@code i} of a dimension, which goes; a view. */
    public static NDArray select(NDManager manager, NDArray x, int dimension, long i) {
        return SELECT_INT.on(manager).tensor(x).integer(dimension).integer(i).result();
    }

    /** Two dimensions exchanged; a view. */
    public static NDArray transpose(NDManager manager, NDArray x, int a, int b) {
        return TRANSPOSE.on(manager).tensor(x).integer(a).integer(b).result();
    }

    /** Rows picked along a dimension by int64 indices [n]. */
    public static NDArray indexSelect(NDManager manager, NDArray x, int dimension, NDArray indices) {
        return INDEX_SELECT.on(manager).tensor(x).integer(dimension).tensor(indices).result();
    }

    /** Each element moved into the range from {@code least} to {@code most}, both of x's type. */
    public static NDArray clamp(NDManager manager, NDArray x, NDArray least, NDArray most) {
        return CLAMP.on(manager).tensor(x).optional(least).optional(most).result();
    }

    /** The largest of each row [n, width] and where it stands, int64, both [n, 1]. */
    public static NDArray[] max(NDManager manager, NDArray x) {
        return MAX.on(manager).tensor(x).integer(-1).bool(true).results(2);
    }

    /** The softmax of each row. */
    public static NDArray softmax(NDManager manager, NDArray x) {
        return SOFTMAX.on(manager).tensor(x).integer(-1).bool(false).result();
    }

    /** One element of each row [n, width], at int64 places [n, 1]: [n, 1]. */
    public static NDArray gather(NDManager manager, NDArray x, NDArray places) {
        return GATHER.on(manager).tensor(x).integer(-1).tensor(places).bool(false).result();
    }

    /** Adds a number [n, 1] to one element of each row [n, width], at int64 places [n, 1], in place; not recorded. */
    public static void addAt(NDArray x, NDArray places, NDArray numbers) {
        SCATTER_ADD.call().tensor(x).integer(-1).tensor(places).tensor(numbers).tensors(1)[0].close();
    }

    /** Matrix product of [m, k] and [k, n]. */
    public static NDArray matmul(NDManager manager, NDArray a, NDArray b) {
        return MM.on(manager).tensor(a).tensor(b).result();
    }

    /** {@code out = a b}: [m, k] and [k, n] into [m, n], all of one type; not recorded. */
    public static void matmulInto(Tensor out, NDArray a, NDArray b) {
        if (out.device().isGpu()) {
            MM_OUT.call().tensor(a).tensor(b).tensor(out).tensors(1)[0].close();
            return;
        }
        // As above, but for the dispatcher's handling of arguments.
        long left = Tensor.handle(a);
        long right = Tensor.handle(b);
        long target = out.handle();
        Libtorch.call("mm_out", () -> (int) Libtorch.CPU_MM_OUT.invokeExact(target, left, right));
    }

    /**
     * {@code out += a b}: [m, k] and [k, n] into [m, n]; not recorded. Where {@code out} has another type the product
     * is rounded to that of its factors first.
     */
    public static void addMatmul(NDArray out, NDArray a, NDArray b) {
        if (NativeArrays.device(out).isGpu() || NativeArrays.type(out) != NativeArrays.type(a)) {
            try (NDManager scope = a.getManager().newSubManager()) {
                out.addi(matmul(scope, a, b));
            }
            return;
        }
        long left = Tensor.handle(a);
        long right = Tensor.handle(b);
        long target = Tensor.handle(out);
        Libtorch.call("addmm_out",
                () -> (int) Libtorch.CPU_ADDMM_OUT.invokeExact(target, target, left, right, 1.0, 1.0));
    }

    /** The sum of all elements, a number on their device. */
    public static NDArray sum(NDManager manager, NDArray x) {
        return SUM_ALL.on(manager).tensor(x).none().result();
    }

    /** Each element zeroed with probability p and scaled by 1/(1-p) otherwise; random by libtorch's generator. */
    public static NDArray dropout(NDManager manager, NDArray x, double p) {
        return DROPOUT.on(manager).tensor(x).real(p).bool(true).result();
    }

    /** Zeroes an array in place; what was there, NaN included, is gone. */
    public static void zero(NDArray x) {
        try (Autograd.Mode mode = Autograd.notRecording()) {
            for (Tensor same : ZERO.call().tensor(x).tensors(1)) {
                same.close();
            }
        }
    }

    /** Whether no element is NaN or infinite. */
    public static boolean allFinite(NDArray x) {
        try (NDManager scope = x.getManager().newSubManager(); Autograd.Mode mode = Autograd.notRecording()) {
            NDArray finite = ALL_FINITE.on(scope).tensor(x).result();
            return ALL.on(scope).tensor(finite).result().getBoolean();
        }
    }

    /** The array itself when it is contiguous; else, under autograd, a contiguous copy for {@code manager}. */
    static NDArray contiguous(NDManager manager, NDArray x) {
        return Tensor.contiguous(Tensor.handle(x)) ? x
                : CONTIGUOUS.on(manager).tensor(x).integer(CONTIGUOUS_FORMAT).result();
    }

    /** The tensor itself, shared, when it is contiguous; else a contiguous copy. */
    static Tensor contiguous(Tensor x) {
        return CONTIGUOUS.call().tensor(x).integer(CONTIGUOUS_FORMAT).tensors(1)[0];
    }

    /** The first two dimensions exchanged, contiguous: a copy, unless one of them is 1. */
    public static Tensor swapped(Tensor x) {
        try (Tensor turned = TRANSPOSE.call().tensor(x).integer(0).integer(1).tensors(1)[0]) {
            return contiguous(turned);
        }
    }

    /** {@link #embedding(NDManager, NDArray, NDArray)} where an operator is computed and not recorded. */
    public static Tensor embedding(Tensor weight, Tensor ids) {
        return EMBEDDING.call().tensor(weight).tensor(ids).integer(-1).bool(false).bool(false).tensors(1)[0];
    }

    /** Converted, where an operator is computed and not recorded; the tensor itself, shared, when it has the type. */
    public static Tensor converted(Tensor x, ScalarType type) {
        return TO.call().tensor(x).integer(type.code()).bool(false).bool(false).none().tensors(1)[0];
    }

    /** A contiguous tensor with the same elements in memory of its own. */
    public static Tensor copy(Tensor x) {
        return CLONE.call().tensor(x).none().tensors(1)[0];
    }
}
