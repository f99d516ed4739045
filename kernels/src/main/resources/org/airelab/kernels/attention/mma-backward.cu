// The backward pass of the mma rung: FlashAttention-2's algorithm 2 (Dao, 2023) on tensor cores. As in
// fused-backward.cu, keys and queries get their gradients from separate blocks and nothing is added up between blocks.
// Scores stand with the positions of the held tile in the rows, queries or keys, so that in both kernels weights go
// from product to product in registers. The tiles that go by are double-buffered by cp.async. What this brings over
// fused has not been measured.
#include "mma.cuh"

// Above this, the gradients of keys and of values are too many for one block's registers: each gets blocks of its own.
static constexpr bool SPLIT = WIDTH > 128;
static constexpr int PARTS = SPLIT ? 2 : 1;

// A stage of the double buffer: rows of two tensors.
static constexpr int STAGE = 2 * STREAM * STRIDE;

extern "C" __global__ void attention_mma_deltas(const Element *d_out, const Element *out, float *deltas, int batch,
                                                int time, int heads, int kv_heads) {
    row_deltas(d_out, out, deltas, Heads{time, heads, kv_heads, HEAD_SIZE}, batch);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_mma_d_queries(const Element *d_out, const Element *qkv, const float *lse, const float *deltas, Element *d_qkv,
                        int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, queries);
    Element *d_outs = queries + HELD * STRIDE, *stages = d_outs + HELD * STRIDE;
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x, (time + HELD - 1) / HELD, HELD, heads, causal);
    int first = place.first, own = first + 16 * warp(), kv_head = place.head / h.group();
    load_async<HELD>(queries, qkv + h.query(place.sequence, first, place.head), h.width(), time - first);
    load_async<HELD>(d_outs, d_out + h.out(place.sequence, first, place.head), h.out_width(), time - first);

    auto load = [&](int key) {
        Element *keys = stages + key / STREAM % 2 * STAGE;
        load_async<STREAM>(keys, qkv + h.key(place.sequence, key, kv_head), h.width(), time - key);
        load_async<STREAM>(keys + STREAM * STRIDE, qkv + h.value(place.sequence, key, kv_head), h.width(), time - key);
    };
    load(0);
    cp_async_commit();
    float log_sum[2], delta[2];
    HOT_LOOP
    for (int row = 0; row < 2; row++) {
        int position = own + fragment_row(2 * row);
        long long at = h.lse(place.sequence, position, place.head);
        log_sum[row] = position < time ? lse[at] * LOG2_E : 0;
        delta[row] = position < time ? deltas[at] : 0;
    }

    float sums[WIDE][4] = {};
    int seen = causal ? min(time, first + HELD) : time;
    for (int key = 0; key < seen; key += STREAM) {
        if (key + STREAM < seen) load(key + STREAM);
        cp_async_commit();
        cp_async_wait<1>();
        __syncthreads(); // keys and values arrived
        const Element *keys = stages + key / STREAM % 2 * STAGE;
        float s[SCORES][4], d_s[SCORES][4];
        multiply_rows(s, queries, keys);
        multiply_rows(d_s, d_outs, keys + STREAM * STRIDE);
        HOT_LOOP
        for (int n = 0; n < SCORES; n++) {
            HOT_LOOP
            for (int e = 0; e < 4; e++) {
                int at = key + fragment_column(n, e);
                bool visible = at < time && (!causal || at <= own + fragment_row(e));
                float p = exp2f(fmaf(s[n][e], scale * LOG2_E, -log_sum[e / 2]));
                d_s[n][e] = visible ? p * (d_s[n][e] - delta[e / 2]) : 0;
            }
        }
        add_weighted(sums, d_s, keys);
        __syncthreads(); // keys and values read
    }
    store_rows(sums, scale, scale, queries, d_qkv + h.query(place.sequence, first, place.head), h.width(),
               time - first);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_mma_d_keys(const Element *d_out, const Element *qkv, const float *lse, const float *deltas, Element *d_qkv,
                     int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, keys);
    Element *values = keys + HELD * STRIDE, *stages = values + HELD * STRIDE;
    // Of each stage, the queries' log-sum-exps and deltas.
    static_assert(4 * STREAM <= PADDING * HELD, "there is room behind the keys");
    auto statistic = [&](int stage, int index) { return padding(keys, stage * 2 * STREAM + index); };
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x / PARTS, (time + HELD - 1) / HELD, HELD, kv_heads, false);
    int first = place.first, own = first + 16 * warp();
    bool of_values = !SPLIT || blockIdx.x % PARTS == 0, of_keys = !SPLIT || blockIdx.x % PARTS == 1;
    load_async<HELD>(keys, qkv + h.key(place.sequence, first, place.head), h.width(), time - first);
    load_async<HELD>(values, qkv + h.value(place.sequence, first, place.head), h.width(), time - first);

    // The queries of all heads of the group, one head after the other.
    int first_query = causal ? first : 0, tiles = (time - first_query + STREAM - 1) / STREAM;
    auto load = [&](int tile) {
        int query = first_query + tile % tiles * STREAM, head = place.head * h.group() + tile / tiles;
        Element *queries = stages + tile % 2 * STAGE;
        load_async<STREAM>(queries, qkv + h.query(place.sequence, query, head), h.width(), time - query);
        load_async<STREAM>(queries + STREAM * STRIDE, d_out + h.out(place.sequence, query, head), h.out_width(),
                           time - query);
        if (threadIdx.x < 2 * STREAM) {
            int i = threadIdx.x % STREAM;
            const float *from = (threadIdx.x < STREAM ? lse : deltas) + h.lse(place.sequence, 0, head);
            bool valid = query + i < time;
            cp_async_4(statistic(tile % 2, threadIdx.x), valid ? from + query + i : from, valid);
        }
    };
    load(0);
    cp_async_commit();

    float sums[SPLIT ? 1 : 2][WIDE][4] = {};
    for (int tile = 0; tile < tiles * h.group(); tile++) {
        if (tile + 1 < tiles * h.group()) load(tile + 1);
        cp_async_commit();
        cp_async_wait<1>();
        __syncthreads(); // queries arrived
        const Element *queries = stages + tile % 2 * STAGE, *d_outs = queries + STREAM * STRIDE;
        int query = first_query + tile % tiles * STREAM;
        float p[SCORES][4];
        multiply_rows(p, keys, queries);
        HOT_LOOP
        for (int n = 0; n < SCORES; n++) {
            HOT_LOOP
            for (int e = 0; e < 4; e++) {
                int column = fragment_column(n, e);
                // Queries past the end as well: 0, which they are, times an infinite key is NaN.
                bool visible = query + column < time && (!causal || own + fragment_row(e) <= query + column);
                p[n][e] = visible ? exp2f(fmaf(p[n][e], scale, -*statistic(tile % 2, column)) * LOG2_E) : 0;
            }
        }
        if (of_values) add_weighted(sums[0], p, d_outs);
        if (of_keys) {
            float d_s[SCORES][4];
            multiply_rows(d_s, values, d_outs);
            HOT_LOOP
            for (int n = 0; n < SCORES; n++) {
                HOT_LOOP
                for (int e = 0; e < 4; e++) {
                    d_s[n][e] = p[n][e] * (d_s[n][e] - *statistic(tile % 2, STREAM + fragment_column(n, e)));
                }
            }
            add_weighted(sums[SPLIT ? 0 : 1], d_s, queries);
        }
        __syncthreads(); // queries read
    }
    if (of_values) {
        store_rows(sums[0], 1, 1, values, d_qkv + h.value(place.sequence, first, place.head), h.width(), time - first);
    }
    if (of_keys) {
        store_rows(sums[SPLIT ? 0 : 1], scale, scale, keys, d_qkv + h.key(place.sequence, first, place.head), h.width(),
                   time - first);
    }
}
