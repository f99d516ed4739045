// What this adds to fused: the products run on the tensor cores (mma.sync m16n8k16, sums in float32) with the work
// partition of FlashAttention-2 (Dao, 2023, section 3.3): each warp has sixteen queries of the tile to itself and sees
// all keys, so that warps exchange nothing, and the probabilities go from one product into the next in registers.
// Operands come by ldmatrix; values are copied by cp.async while scores are formed, the next keys while values are
// summed up. Head sizes are multiples of 8 to 256, for rows that begin at multiples of 16 bytes. What this brings over
// fused has not been measured.
#include "mma.cuh"

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
    Softmax softmax;
    int seen = causal ? min(time, first + HELD) : time;
    for (int key = 0; key < seen; key += STREAM) {
        cp_async_wait<0>();
        __syncthreads(); // keys arrived, values read
        load_async<STREAM>(values, value_rows + (long long) key * h.width(), h.width(), time - key);
        cp_async_commit();
        float s[SCORES][4];
        multiply_rows(s, queries, keys);
        if (key + STREAM > time || (causal && key + STREAM > own)) mask(s, own, key, time, causal);
        float shrink[2];
        softmax.take(s, shrink, scale * LOG2_E);
        scale_rows(sums, shrink);
        cp_async_wait<0>();
        __syncthreads(); // values arrived, keys read
        int next = key + STREAM;
        if (next < seen) load_async<STREAM>(keys, key_rows + (long long) next * h.width(), h.width(), time - next);
        cp_async_commit();
        add_weighted(sums, s, values);
    }

    softmax.finish(lse + h.lse(place.sequence, 0, place.head), own, time, scale);
    store_rows(sums, 1 / softmax.sum[0], 1 / softmax.sum[1], queries, out + h.out(place.sequence, first, place.head),
               h.out_width(), time - first);
}
