// The backward pass of the fused rung (Dao, "FlashAttention-2", 2023, algorithm 2). The probabilities are computed
// again from the log-sum-exps. Keys and values get their gradients from blocks that hold a tile of keys while the
// queries of all heads of the group go by, queries theirs from blocks that hold a tile of queries while the keys go by:
// the scores are formed twice, but nothing is added up between blocks, so that the result is the same to the bit each
// time. What this brings over naive has not been measured.
#include "fused.cuh"

extern "C" __global__ void attention_fused_deltas(const Element *d_out, const Element *out, float *deltas, int batch,
                                                  int time, int heads, int kv_heads) {
    row_deltas(d_out, out, deltas, Heads{time, heads, kv_heads, HEAD_SIZE}, batch);
}

// Row r is a query, column c a key: the tile's probabilities and scores' gradients (without the scale).
DEVICE void gradients(float (&p)[ROWS][ROWS], float (&d_s)[ROWS][ROWS], const float *queries, const float *keys,
                      const float *d_outs, const float *values, const float *lse, const float *deltas, int first_query,
                      int first_key, int time, int causal, float scale) {
    multiply_rows(p, queries, keys);
    multiply_rows(d_s, d_outs, values);
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) {
        int query = first_query + thread_row(r);
        float log_sum = query < time ? lse[query] * LOG2_E : 0;
        float delta = query < time ? deltas[query] : 0;
        HOT_LOOP
        for (int c = 0; c < ROWS; c++) {
            int key = first_key + thread_column(c);
            bool visible = query < time && key < time && (!causal || key <= query);
            p[r][c] = visible ? exp2f(p[r][c] * (scale * LOG2_E) - log_sum) : 0;
            d_s[r][c] = visible ? p[r][c] * (d_s[r][c] - delta) : 0;
        }
    }
}

DEVICE void write_scores(float *to, const float (&s)[ROWS][ROWS]) {
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) {
        HOT_LOOP
        for (int c = 0; c < ROWS; c++) to[thread_row(r) * SCORE_STRIDE + thread_column(c)] = s[r][c];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_fused_d_queries(const Element *d_out, const Element *qkv, const float *lse, const float *deltas,
                          Element *d_qkv, int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(float, queries);
    float *d_outs = queries + TILE * STRIDE, *keys = d_outs + TILE * STRIDE, *values = keys + TILE * STRIDE;
    float *d_scores = values + TILE * STRIDE;
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x, (time + TILE - 1) / TILE, TILE, heads, causal);
    int kv_head = place.head / h.group(), first = place.first;
    long long statistics = h.lse(place.sequence, 0, place.head);
    load_tile(queries, qkv + h.query(place.sequence, first, place.head), h.width(), time - first);
    load_tile(d_outs, d_out + h.out(place.sequence, first, place.head), h.out_width(), time - first);

    float sums[ROWS][COLUMNS] = {};
    int seen = causal ? min(time, first + TILE) : time;
    for (int key = 0; key < seen; key += TILE) {
        load_tile(keys, qkv + h.key(place.sequence, key, kv_head), h.width(), time - key);
        load_tile(values, qkv + h.value(place.sequence, key, kv_head), h.width(), time - key);
        __syncthreads(); // keys and values loaded
        float p[ROWS][ROWS], d_s[ROWS][ROWS];
        gradients(p, d_s, queries, keys, d_outs, values, lse + statistics, deltas + statistics, first, key, time,
                  causal, scale);
        write_scores(d_scores, d_s);
        __syncthreads(); // scores' gradients written
        add_weighted(sums, d_scores, SCORE_STRIDE, 1, keys);
        __syncthreads(); // keys and scores' gradients read
    }
    float factors[ROWS];
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) factors[r] = scale;
    store_tile(sums, factors, d_qkv + h.query(place.sequence, first, place.head), h.width(), time - first);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_fused_d_keys(const Element *d_out, const Element *qkv, const float *lse, const float *deltas, Element *d_qkv,
                       int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(float, keys);
    float *values = keys + TILE * STRIDE, *queries = values + TILE * STRIDE, *d_outs = queries + TILE * STRIDE;
    float *weights = d_outs + TILE * STRIDE, *d_scores = weights + TILE * SCORE_STRIDE;
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x, (time + TILE - 1) / TILE, TILE, kv_heads, false);
    int first = place.first;
    load_tile(keys, qkv + h.key(place.sequence, first, place.head), h.width(), time - first);
    load_tile(values, qkv + h.value(place.sequence, first, place.head), h.width(), time - first);

    float d_keys[ROWS][COLUMNS] = {}, d_values[ROWS][COLUMNS] = {};
    for (int head = place.head * h.group(); head < (place.head + 1) * h.group(); head++) {
        long long statistics = h.lse(place.sequence, 0, head);
        for (int query = causal ? first : 0; query < time; query += TILE) {
            load_tile(queries, qkv + h.query(place.sequence, query, head), h.width(), time - query);
            load_tile(d_outs, d_out + h.out(place.sequence, query, head), h.out_width(), time - query);
            __syncthreads(); // queries loaded
            float p[ROWS][ROWS], d_s[ROWS][ROWS];
            gradients(p, d_s, queries, keys, d_outs, values, lse + statistics, deltas + statistics, query, first, time,
                      causal, scale);
            write_scores(weights, p);
            write_scores(d_scores, d_s);
            __syncthreads(); // weights written
            add_weighted(d_values, weights, 1, SCORE_STRIDE, d_outs);
            add_weighted(d_keys, d_scores, 1, SCORE_STRIDE, queries);
            __syncthreads(); // queries and weights read
        }
    }
    float factors[ROWS], units[ROWS];
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) {
        factors[r] = scale;
        units[r] = 1;
    }
    store_tile(d_keys, factors, d_qkv + h.key(place.sequence, first, place.head), h.width(), time - first);
    store_tile(d_values, units, d_qkv + h.value(place.sequence, first, place.head), h.width(), time - first);
}
