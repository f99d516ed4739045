// What this adds to fused: the products run on the tensor cores (mma.sync m16n8k16, sums in float32) with the work
// partition of FlashAttention-2 (Dao, 2023, section 3.3): each warp has sixteen queries of the tile to itself and sees
// all keys, so that warps exchange nothing, and the probabilities go from one product into the next in registers.
// Operands come by ldmatrix; values are copied by cp.async while scores are formed, the next keys while values are
// summed up. Head sizes are multiples of 8 to 256, for rows that begin at multiples of 16 bytes.
#include "mma.cuh"

DEVICE float quad_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

DEVICE float quad_sum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// The running softmax of a thread's two rows; sums are of this thread's columns alone until the end.
struct Softmax {
    float max[2], sum[2];

    // Turns scores into probabilities under the new maxima, and brings what was summed up to them.
    DEVICE void take(float (&s)[SCORES][4], float (&sums)[WIDE][4], float scale) {
        HOT_LOOP
        for (int row = 0; row < 2; row++) {
            float highest = max[row];
            HOT_LOOP
            for (int n = 0; n < SCORES; n++) highest = fmaxf(highest, fmaxf(s[n][2 * row], s[n][2 * row + 1]));
            highest = quad_max(highest);
            // A row that has seen nothing but -infinity must not subtract it from itself.
            float shift = highest == -infinity() ? 0 : highest * scale;
            float shrink = exp2f(max[row] * scale - shift);
            max[row] = highest;
            sum[row] *= shrink;
            HOT_LOOP
            for (int n = 0; n < SCORES; n++) {
                HOT_LOOP
                for (int e = 2 * row; e < 2 * row + 2; e++) {
                    s[n][e] = exp2f(fmaf(s[n][e], scale, -shift));
                    sum[row] += s[n][e];
                }
            }
            HOT_LOOP
            for (int n = 0; n < WIDE; n++) {
                sums[n][2 * row] *= shrink;
                sums[n][2 * row + 1] *= shrink;
            }
        }
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_mma_forward(const Element *qkv, Element *out, float *lse, int time, int heads, int kv_heads, int causal,
                      float scale) {
    DYNAMIC_SHARED(Element, queries);
    Element *keys = queries + HELD * STRIDE, *values = keys + STREAM * STRIDE;
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x, (time + HELD - 1) / HELD, HELD, heads, causal);
    int first = place.first, own = first + 16 * warp();
    const Element *key_rows = qkv + h.key(place.sequence, 0, place.head / h.group());
    const Element *value_rows = qkv + h.value(place.sequence, 0, place.head / h.group());
    load_async<HELD>(queries, qkv + h.query(place.sequence, first, place.head), h.width(), time - first);
    load_async<STREAM>(keys, key_rows, h.width(), time);
    cp_async_commit();

    float sums[WIDE][4] = {};
    Softmax softmax = {{-infinity(), -infinity()}, {0, 0}};
    int seen = causal ? min(time, first + HELD) : time;
    for (int key = 0; key < seen; key += STREAM) {
        cp_async_wait<0>();
        __syncthreads(); // keys arrived, values read
        load_async<STREAM>(values, value_rows + (long long) key * h.width(), h.width(), time - key);
        cp_async_commit();
        float s[SCORES][4];
        multiply_rows(s, queries, keys);
        if (key + STREAM > time || (causal && key + STREAM > own)) {
            HOT_LOOP
            for (int n = 0; n < SCORES; n++) {
                HOT_LOOP
                for (int e = 0; e < 4; e++) {
                    int at = key + fragment_column(n, e);
                    if (at >= time || (causal && at > own + fragment_row(e))) s[n][e] = -infinity();
                }
            }
        }
        softmax.take(s, sums, scale * LOG2_E);
        cp_async_wait<0>();
        __syncthreads(); // values arrived, keys read
        int next = key + STREAM;
        if (next < seen) load_async<STREAM>(keys, key_rows + (long long) next * h.width(), h.width(), time - next);
        cp_async_commit();
        add_weighted(sums, s, values);
    }

    HOT_LOOP
    for (int row = 0; row < 2; row++) {
        softmax.sum[row] = quad_sum(softmax.sum[row]);
        int position = own + fragment_row(2 * row);
        if (lane() % 4 == 0 && position < time) {
            lse[h.lse(place.sequence, position, place.head)] = softmax.max[row] * scale + logf(softmax.sum[row]);
        }
    }
    store_rows(sums, 1 / softmax.sum[0], 1 / softmax.sum[1], queries, out + h.out(place.sequence, first, place.head),
               h.out_width(), time - first);
}
