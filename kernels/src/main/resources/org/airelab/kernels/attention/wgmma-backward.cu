// The backward pass of the rung wgmma: as in mma-backward.cu, keys and queries get their gradients from separate blocks
// and nothing is added up between blocks. Over mma, all products are wgmma's, and a producer has the tiles that go by
// brought, two tensors' in a buffer, ahead of the consumers. While a tile's last sums are formed, the next one's scores
// begin; the two consumers, which nothing orders, fill each other's gaps.
// Only for sm_90a. Head sizes are multiples of 8 to 128: above, a gradient's sums and two tiles of scores are more than
// a consumer's registers, and the rung mma takes over.
#include "wgmma.cuh"

static_assert(WIDTH <= 128, "a consumer holds 64 x WIDTH sums and twice 64 x STREAM scores");

// Above this, the gradients of keys and of values are too many together: each gets blocks of its own.
static constexpr bool SPLIT = WIDTH > 64;
static constexpr int PARTS = SPLIT ? 2 : 1;

// A buffer: tiles of two tensors.
typedef Buffers<2 * TILE> Pairs;

extern "C" __global__ void attention_wgmma_deltas(const Element *d_out, const Element *out, float *deltas, int batch,
                                                  int time, int heads, int kv_heads) {
    row_deltas(d_out, out, deltas, Heads{time, heads, kv_heads, HEAD_SIZE}, batch);
}

// Shared memory: two tiles that the block holds, the ring, its barriers and that of the held tiles, and for d_keys of
// each buffer the queries' log-sum-exps, in base 2, and deltas.
struct Memory {
    Element *held[2];
    Pairs pairs;
    mbarrier *held_full;
    float *statistics;

    DEVICE Memory(Element *shared) {
        held[0] = shared;
        held[1] = held[0] + CONSUMERS * OWN_TILE;
        mbarrier *barriers = (mbarrier *) (held[1] + CONSUMERS * OWN_TILE + STAGES * 2 * TILE);
        pairs = {held[1] + CONSUMERS * OWN_TILE, barriers, barriers + STAGES};
        held_full = barriers + 2 * STAGES;
        statistics = (float *) (held_full + 1);
    }
    DEVICE void initialize() const {
        if (threadIdx.x == 0) {
            pairs.initialize();
            mbarrier_init(held_full, 1);
            mbarrier_init_fence();
        }
        __syncthreads(); // barriers initialized
    }
    DEVICE void expect_held() const {
        mbarrier_arrive_expect(held_full, 2 * CONSUMERS * OWN_TILE * (int) sizeof(Element));
    }
};

// dQ of a consumer's queries.
DEVICE void consume_keys(const Memory &memory, const tensor_map *d_qkv, const float *lse, const float *deltas,
                         const Place &place, const Heads &h, int seen, int consumer, bool causal, float scale) {
    int first = place.first + consumer * ROWS, own = first + threadIdx.x % GROUP / 32 * 16;
    Element *queries = memory.held[0] + consumer * OWN_TILE, *d_outs = memory.held[1] + consumer * OWN_TILE;
    float log_sum[2], delta[2];
    HOT_LOOP
    for (int row = 0; row < 2; row++) {
        int position = own + fragment_row(2 * row);
        long long at = h.lse(place.sequence, position, place.head);
        log_sum[row] = position < h.time ? lse[at] * LOG2_E : 0;
        delta[row] = position < h.time ? deltas[at] : 0;
    }

    Ring<STAGES> ring = {0, 0}, read = {0, 0};
    Scores s, d_s;
    Weights weights;
    Sums sums;
    mbarrier_wait(memory.held_full, 0);
    for (int key = 0; key < seen; key += STREAM, ring.advance()) {
        memory.pairs.wait(ring);
        const Element *keys = memory.pairs.at(ring);
        wgmma_fence();
        begin_scores(s, queries, keys);
        begin_scores(d_s, d_outs, keys + TILE); // with values
        if (key > 0) {
            wgmma_wait<2>(); // the sums over the tile before
            wgmma_hold(sums);
            memory.pairs.give_back(read);
        }
        wgmma_wait<0>(); // the scores
        wgmma_hold(s);
        wgmma_hold(d_s);
        HOT_LOOP
        for (int n = 0; n < STREAM / 8; n++) {
            HOT_LOOP
            for (int e = 0; e < 4; e++) {
                int at = key + fragment_column(n, e);
                bool visible = at < h.time && (!causal || at <= own + fragment_row(e));
                float p = exp2_flushed(fmaf(fragments(s)[n][e], scale * LOG2_E, -log_sum[e / 2]));
                float &d = fragments(d_s)[n][e];
                d = visible ? p * (d - delta[e / 2]) : 0;
            }
        }
        round_weights(weights, d_s);
        wgmma_fence();
        begin_sums(sums, weights, keys, key == 0);
    }
    wgmma_wait<0>();
    wgmma_hold(sums);
    const float scales[2] = {scale, scale};
    scale_rows(fragments(sums), scales);
    store_rows(sums, queries, d_qkv, consumer, place.head, first, place.sequence);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_wgmma_d_queries(const __grid_constant__ tensor_map d_out, const __grid_constant__ tensor_map qkv,
                          const float *lse, const float *deltas, const __grid_constant__ tensor_map d_qkv, int time,
                          int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, shared);
    Memory memory(shared);
    memory.initialize();
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x, (time + HELD - 1) / HELD, HELD, heads, causal);
    int seen = causal ? min(time, place.first + HELD) : time, group = threadIdx.x / GROUP;
    if (group > 0) {
        claim_registers<CONSUMER_REGISTERS>();
        consume_keys(memory, &d_qkv, lse, deltas, place, h, seen, group - 1, causal, scale);
        return;
    }
    release_registers<PRODUCER_REGISTERS>();
    if (threadIdx.x > 0) return;
    memory.expect_held();
    load_held(memory.held[0], &qkv, place.head, place.first, place.sequence, memory.held_full);
    load_held(memory.held[1], &d_out, place.head, place.first, place.sequence, memory.held_full);
    int key_head = heads + place.head / h.group();
    Ring<STAGES> ring = {0, 1}; // the stages of a new ring are empty
    for (int key = 0; key < seen; key += STREAM, ring.advance()) {
        memory.pairs.wait_empty(ring);
        memory.pairs.expect(ring);
        Element *keys = memory.pairs.at(ring);
        mbarrier *full = &memory.pairs.full[ring.stage];
        load_tile<STREAM>(keys, &qkv, key_head, key, place.sequence, full);
        load_tile<STREAM>(keys + TILE, &qkv, key_head + kv_heads, key, place.sequence, full);
    }
}

// The queries that go by a block's keys: of all heads of the group, one head after the other.
struct Queries {
    int first, tiles, first_head, count;

    DEVICE Queries(const Place &place, const Heads &h, bool causal) {
        first = causal ? place.first : 0;
        tiles = (h.time - first + STREAM - 1) / STREAM;
        first_head = place.head * h.group();
        count = tiles * h.group();
    }
    DEVICE int position(int tile) const { return first + tile % tiles * STREAM; }
    DEVICE int head(int tile) const { return first_head + tile / tiles; }
};

// Scores of keys, `own` the warp's first, with queries become the queries' probabilities: of log-sum-exps in base 2.
template <int N>
DEVICE void weigh(float (&s)[N][4], const float *log_sums, int own, int query, bool causal, float scale) {
    HOT_LOOP
    for (int n = 0; n < N; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) {
            int column = fragment_column(n, e);
            bool visible = !causal || own + fragment_row(e) <= query + column;
            s[n][e] = visible ? exp2_flushed(fmaf(s[n][e], scale, -log_sums[column])) : 0;
        }
    }
}

// The probabilities' gradients become the scores'.
template <int N> DEVICE void differentiate(float (&d)[N][4], const float (&p)[N][4], const float *deltas) {
    HOT_LOOP
    for (int n = 0; n < N; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) d[n][e] = p[n][e] * (d[n][e] - deltas[fragment_column(n, e)]);
    }
}

// dK and dV of a consumer's keys, or one of them; scores stand with keys in the rows.
template <bool OF_VALUES, bool OF_KEYS>
DEVICE void consume_queries(const Memory &memory, const tensor_map *d_qkv, const Queries &queries, const Place &place,
                            const Heads &h, int consumer, bool causal, float scale) {
    int first = place.first + consumer * ROWS, own = first + threadIdx.x % GROUP / 32 * 16;
    Element *keys = memory.held[0] + consumer * OWN_TILE, *values = memory.held[1] + consumer * OWN_TILE;
    Ring<STAGES> ring = {0, 0}, read = {0, 0};
    Scores p, d_s;
    Weights weights;
    Sums d_values, d_keys;
    mbarrier_wait(memory.held_full, 0);
    for (int tile = 0; tile < queries.count; tile++, ring.advance()) {
        memory.pairs.wait(ring);
        const Element *query_tile = memory.pairs.at(ring), *d_outs = query_tile + TILE;
        const float *log_sums = memory.statistics + ring.stage * 2 * STREAM;
        wgmma_fence();
        begin_scores(p, keys, query_tile);
        if (OF_KEYS) begin_scores(d_s, values, d_outs);
        if (tile > 0) {
            wgmma_wait<OF_KEYS ? 2 : 1>(); // the sums over the tile before
            wgmma_hold(OF_KEYS ? d_keys : d_values);
            __syncwarp(); // statistics read
            memory.pairs.give_back(read);
        }
        wgmma_wait<OF_KEYS ? 1 : 0>(); // the scores
        wgmma_hold(p);
        weigh(fragments(p), log_sums, own, queries.position(tile), causal, scale * LOG2_E);
        if (OF_VALUES) {
            round_weights(weights, p);
            wgmma_fence();
            begin_sums(d_values, weights, d_outs, tile == 0);
        }
        if (OF_KEYS) {
            wgmma_wait<OF_VALUES ? 1 : 0>(); // the scores' gradients
            wgmma_hold(d_s);
            differentiate(fragments(d_s), fragments(p), log_sums + STREAM);
            if (OF_VALUES) {
                wgmma_wait<0>(); // the values' gradients, whose weights make room
                wgmma_hold(d_values);
            }
            round_weights(weights, d_s);
            wgmma_fence();
            begin_sums(d_keys, weights, query_tile, tile == 0);
        }
    }
    wgmma_wait<0>(); // the last sums
    int head = h.heads + place.head;
    if (OF_VALUES) {
        wgmma_hold(d_values);
        store_rows(d_values, values, d_qkv, consumer, head + h.kv_heads, first, place.sequence);
    }
    if (OF_KEYS) {
        wgmma_hold(d_keys);
        const float scales[2] = {scale, scale};
        scale_rows(fragments(d_keys), scales);
        store_rows(d_keys, keys, d_qkv, consumer, head, first, place.sequence);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_wgmma_d_keys(const __grid_constant__ tensor_map d_out, const __grid_constant__ tensor_map qkv,
                       const float *lse, const float *deltas, const __grid_constant__ tensor_map d_qkv, int time,
                       int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, shared);
    Memory memory(shared);
    memory.initialize();
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x / PARTS, (time + HELD - 1) / HELD, HELD, kv_heads, false);
    Queries queries(place, h, causal);
    int group = threadIdx.x / GROUP;
    if (group > 0) {
        claim_registers<CONSUMER_REGISTERS>();
        if (!SPLIT) {
            consume_queries<true, true>(memory, &d_qkv, queries, place, h, group - 1, causal, scale);
        } else if (blockIdx.x % PARTS == 0) {
            consume_queries<true, false>(memory, &d_qkv, queries, place, h, group - 1, causal, scale);
        } else {
            consume_queries<false, true>(memory, &d_qkv, queries, place, h, group - 1, causal, scale);
        }
        return;
    }
    // The producer is a warp, as rows of statistics have no alignment that TMA would take: its lanes copy them.
    release_registers<PRODUCER_REGISTERS>();
    if (threadIdx.x >= 32) return;
    if (lane() == 0) {
        memory.expect_held();
        load_held(memory.held[0], &qkv, heads + place.head, place.first, place.sequence, memory.held_full);
        load_held(memory.held[1], &qkv, heads + kv_heads + place.head, place.first, place.sequence, memory.held_full);
    }
    Ring<STAGES> ring = {0, 1}; // the stages of a new ring are empty
    for (int tile = 0; tile < queries.count; tile++, ring.advance()) {
        int query = queries.position(tile), head = queries.head(tile);
        memory.pairs.wait_empty(ring);
        float *log_sums = memory.statistics + ring.stage * 2 * STREAM;
        for (int i = lane(); i < STREAM; i += 32) {
            long long at = h.lse(place.sequence, query + i, head);
            bool valid = query + i < time;
            log_sums[i] = valid ? lse[at] * LOG2_E : 0;
            log_sums[STREAM + i] = valid ? deltas[at] : 0;
        }
        __syncwarp(); // statistics written
        if (lane() > 0) continue;
        memory.pairs.expect(ring);
        Element *tiles = memory.pairs.at(ring);
        mbarrier *full = &memory.pairs.full[ring.stage];
        load_tile<STREAM>(tiles, &qkv, head, query, place.sequence, full);
        load_tile<STREAM>(tiles + TILE, &d_out, head, query, place.sequence, full);
    }
}
