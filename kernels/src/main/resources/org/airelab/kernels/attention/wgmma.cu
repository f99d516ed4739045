// What this adds to mma: Hopper's wgmma and Tensor Memory Accelerator, arranged as in FlashAttention-3 (Shah et al.,
// 2024, sections 3.1 and 3.2). One of a block's warp groups gives up its registers and has a thread ask for tiles: the
// queries once, then keys and values in turn into rings of STAGES buffers. The consumers have 64 queries each. Their
// products read queries, keys and values in shared memory, and the probabilities from the registers in which the
// softmax left them. Of two consumers each has its turn: one begins its next scores and its last values' sums, then its
// softmax runs while the tensor cores are at the other's; and within a group, the sums of one tile run beside the
// softmax of the next. Heads of up to 64 leave room for three blocks of one consumer on a multiprocessor, which need no
// turns and begin and end independently. Key tiles wholly in the future are skipped, and only those on the diagonal or
// past the end are masked. Only for sm_90a; head sizes are multiples of 8 to 256.
// On an NVIDIA H200, bfloat16, causal, forward: 4 x 2048 positions and 16 heads of 64 in 99.0 us (347 TFLOP/s,
// libtorch 157 us), 8 x 2048 and 16 of 128 in 278 us (494, libtorch 483 us). The rung mma was not measured beside it.
#include "wgmma.cuh"

typedef Buffers<TILE> Tiles;

DEVICE void load_next(const Tiles &to, const Ring<STAGES> &ring, const tensor_map *map, int head, int position,
                      int sequence) {
    to.wait_empty(ring);
    to.expect(ring);
    load_tile<STREAM>(to.at(ring), map, head, position, sequence, &to.full[ring.stage]);
}

// The producer: one thread.
DEVICE void produce(Element *queries, mbarrier *queries_full, const Tiles &keys, const Tiles &values,
                    const tensor_map *qkv, const Place &place, const Heads &h, int seen) {
    tma_prefetch_map(qkv);
    mbarrier_arrive_expect(queries_full, CONSUMERS * OWN_TILE * (int) sizeof(Element));
    load_held(queries, qkv, place.head, place.first, place.sequence, queries_full);
    int key_head = h.heads + place.head / h.group(), value_head = key_head + h.kv_heads;
    Ring<STAGES> ring = {0, 1}; // the stages of a new ring are empty
    for (int key = 0; key < seen; key += STREAM) {
        load_next(keys, ring, qkv, key_head, key, place.sequence);
        load_next(values, ring, qkv, value_head, key, place.sequence);
        ring.advance();
    }
}

// A consumer: one of two warp groups, whose first query is the tile's `consumer * ROWS`th.
DEVICE void consume(Element *queries, mbarrier *queries_full, const Tiles &keys, const Tiles &values,
                    const tensor_map *out, float *lse, const Place &place, const Heads &h, int seen, int consumer,
                    bool causal, float scale) {
    int first = place.first + consumer * ROWS, own = first + threadIdx.x % GROUP / 32 * 16, other = 1 - consumer;
    const bool turns = CONSUMERS > 1;
    Ring<STAGES> key_ring = {0, 0}, value_ring = {0, 0};
    Scores s;
    Weights p;
    Sums sums = {};
    Softmax softmax;
    float shrink[2];
    auto weigh = [&](int key) {
        if (key + STREAM > h.time || (causal && key + STREAM > own)) mask(fragments(s), own, key, h.time, causal);
        softmax.take(fragments(s), shrink, scale * LOG2_E);
    };

    if (turns && seen > STREAM && consumer == 1) barrier_arrive(TURN + other, CONSUMERS * GROUP); // who begins
    mbarrier_wait(queries_full, 0);
    keys.wait(key_ring);
    wgmma_fence();
    begin_scores(s, queries, keys.at(key_ring));
    wgmma_wait<0>();
    wgmma_hold(s);
    keys.give_back(key_ring);
    weigh(0);
    round_weights(p, s);
    for (int key = STREAM; key < seen; key += STREAM) {
        keys.wait(key_ring);
        values.wait(value_ring);
        if (turns) barrier_sync(TURN + consumer, CONSUMERS * GROUP);
        wgmma_fence();
        begin_scores(s, queries, keys.at(key_ring));
        begin_sums(sums, p, values.at(value_ring));
        // After its last products, consumer 1 has no turn to pass on that the other would take.
        if (turns && (consumer == 0 || key + STREAM < seen)) barrier_arrive(TURN + other, CONSUMERS * GROUP);
        wgmma_wait<1>(); // the scores
        wgmma_hold(s);
        keys.give_back(key_ring);
        weigh(key);
        wgmma_wait<0>(); // the sums
        wgmma_hold(sums);
        values.give_back(value_ring);
        scale_rows(fragments(sums), shrink);
        round_weights(p, s);
    }
    values.wait(value_ring);
    wgmma_fence();
    begin_sums(sums, p, values.at(value_ring));
    wgmma_wait<0>();
    wgmma_hold(sums);

    softmax.finish(lse + h.lse(place.sequence, 0, place.head), own, h.time, scale);
    const float inverse[2] = {1 / softmax.sum[0], 1 / softmax.sum[1]};
    scale_rows(fragments(sums), inverse);
    store_rows(sums, queries, out, consumer, place.head, 0, first, place.sequence);
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
attention_wgmma_forward(const __grid_constant__ tensor_map qkv, const __grid_constant__ tensor_map out, float *lse,
                        int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, queries);
    Element *key_tiles = queries + CONSUMERS * OWN_TILE, *value_tiles = key_tiles + STAGES * TILE;
    mbarrier *barriers = (mbarrier *) (value_tiles + STAGES * TILE), *queries_full = barriers + 4 * STAGES;
    Tiles keys = {key_tiles, barriers, barriers + STAGES};
    Tiles values = {value_tiles, barriers + 2 * STAGES, barriers + 3 * STAGES};
    if (threadIdx.x == 0) {
        keys.initialize();
        values.initialize();
        mbarrier_init(queries_full, 1);
        mbarrier_init_fence();
    }
    __syncthreads(); // barriers initialized
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Place place(blockIdx.x, (time + HELD - 1) / HELD, HELD, heads, causal);
    int seen = causal ? min(time, place.first + HELD) : time, group = uniform(threadIdx.x / GROUP);
    if (group == 0) {
        release_registers<PRODUCER_REGISTERS>();
        if (threadIdx.x == 0) produce(queries, queries_full, keys, values, &qkv, place, h, seen);
    } else {
        claim_registers<CONSUMER_REGISTERS>();
        int consumer = group - 1;
        consume(queries + consumer * OWN_TILE, queries_full, keys, values, &out, lse, place, h, seen, consumer,
                causal, scale);
    }
}
