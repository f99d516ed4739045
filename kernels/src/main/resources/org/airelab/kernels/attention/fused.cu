// What this adds to naive: one kernel. A block holds a tile of queries against one tile of keys and values after the
// other; the softmax keeps a running maximum and sum a row (Milakov and Gimelshein, "Online normalizer calculation for
// softmax", 2018, algorithm 3), so that no score ever leaves the chip. Of the probabilities only each row's
// log-sum-exp is kept for the backward pass (fused-backward.cu). float32 arithmetic, 4x4 products a thread from
// registers (2x2 and 1x1 for larger heads). Any head size to 256. What this brings over naive has not been measured.
#include "fused.cuh"

// The largest value of the sixteen lanes that share a row, and their sum.
DEVICE float row_max(float x) {
    HOT_LOOP
    for (int by = SIDE / 2; by > 0; by /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, by));
    return x;
}

DEVICE float row_sum(float x) {
    HOT_LOOP
    for (int by = SIDE / 2; by > 0; by /= 2) x += __shfl_xor_sync(0xffffffffu, x, by);
    return x;
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_fused_forward(const Element *qkv, Element *out, float *lse, int time, int heads, int kv_heads, int causal,
                        float scale) {
    DYNAMIC_SHARED(float, queries);
    float *keys = queries + TILE * STRIDE; // and then the values
    float *weights = keys + TILE * STRIDE;
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x, (time + TILE - 1) / TILE, TILE, heads, causal);
    int kv_head = place.head / h.group(), first = place.first;
    load_tile(queries, qkv + h.query(place.sequence, first, place.head), h.width(), time - first);

    float sums[ROWS][COLUMNS] = {}, max[ROWS], sum[ROWS];
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) {
        max[r] = -infinity();
        sum[r] = 0;
    }
    int seen = causal ? min(time, first + TILE) : time;
    for (int key = 0; key < seen; key += TILE) {
        load_tile(keys, qkv + h.key(place.sequence, key, kv_head), h.width(), time - key);
        __syncthreads(); // keys loaded
        float s[ROWS][ROWS];
        multiply_rows(s, queries, keys);
        HOT_LOOP
        for (int r = 0; r < ROWS; r++) {
            float highest = max[r];
            HOT_LOOP
            for (int c = 0; c < ROWS; c++) {
                int at = key + thread_column(c);
                bool visible = at < time && (!causal || at <= first + thread_row(r));
                s[r][c] = visible ? s[r][c] * (scale * LOG2_E) : -infinity();
                highest = fmaxf(highest, s[r][c]);
            }
            highest = row_max(highest);
            // A row that has seen nothing but -infinity must not subtract it from itself.
            float shift = highest == -infinity() ? 0 : highest;
            float shrink = exp2f(max[r] - shift);
            float added = 0;
            HOT_LOOP
            for (int c = 0; c < ROWS; c++) {
                float p = exp2f(s[r][c] - shift);
                weights[thread_row(r) * SCORE_STRIDE + thread_column(c)] = p;
                added += p;
            }
            max[r] = highest;
            sum[r] = sum[r] * shrink + row_sum(added);
            HOT_LOOP
            for (int c = 0; c < COLUMNS; c++) sums[r][c] *= shrink;
        }
        __syncthreads(); // keys read
        load_tile(keys, qkv + h.value(place.sequence, key, kv_head), h.width(), time - key);
        __syncthreads(); // values loaded, weights written
        add_weighted(sums, weights, SCORE_STRIDE, 1, keys);
        __syncthreads(); // values and weights read
    }

    float factors[ROWS];
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) {
        factors[r] = 1 / sum[r];
        int position = first + thread_row(r);
        if (threadIdx.x % SIDE == 0 && position < time) {
            lse[h.lse(place.sequence, position, place.head)] = max[r] * LN_2 + logf(sum[r]);
        }
    }
    store_tile(sums, factors, out + h.out(place.sequence, first, place.head), h.out_width(), time - first);
}
