// The backward pass of the rung wgmma: one kernel forms all five products of a tile of scores, as in FlashAttention-3
// (Shah et al., 2024, section 3 and appendix B.1). A block has HELD keys; queries and their output's gradients go by.
// Scores stand with keys in the rows, so that the probabilities and the scores' gradients, rounded, are left factors of
// the values' and the keys' gradients in the very registers in which they were formed. For the queries' gradients
// both consumers put theirs into shared memory, and form them a tile later, when the other's are there without waiting.
// A tile of those is a sum over the tiles of keys that it sees, in float in global memory: threads of the producer's
// warp group, the writers, add a block's part when its turn has come. The order being fixed, results are, to the bit.
// Blocks take their work by a ticket, so that whom a block waits for has begun before it; heads to 64 leave room for
// them to go on to the next.
// Over the two kernels that came before, which formed seven or eight products, this brought 0.375 to 0.257 ms at 64
// heads of 64 and 2048 positions, causal (335 TFLOP/s), 1.21 to 0.89 ms at 128 heads of 128 (385), on an NVIDIA H200,
// bfloat16. On an H100, blocks that go on, turns passed at once and sections fitted again brought, causal, 0.559 to
// 0.436 ms at 32 x 1024 positions and 12 heads of 64 (296 TFLOP/s), 1.09 to 0.86 ms at 8 x 2048 and 16 of 128 (401),
// 4.90 to 2.92 ms at 8192 and 32 of 128 of which 8 are of keys (471) (docs/attention.md). The rung mma was not measured
// beside it.
// Only for sm_90a. Head sizes are multiples of 8 to 128: above, a gradient's sums and two tiles of scores are more than
// a consumer's registers, and the rung mma takes over.
// Macros beside those of wgmma.cuh: STREAM, 128 for heads to 64, else 64; ROTATED, of turn.cuh.
#include "turn.cuh"
#include "wgmma-backward.cuh"

// statistics [batch, heads, tiles, 2, STREAM]: log-sum-exps in base 2, and deltas, the products of rows of the output
// with their gradients (Dao, "FlashAttention-2", 2023, algorithm 2, line 4); zeros past the end. In whole tiles, as the
// Tensor Memory Accelerator takes them. LANES threads a row, each 16 bytes at once. And no ticket has been taken yet,
// nor a turn.
static constexpr int LANES = HEAD_SIZE <= 8 ? 1 : HEAD_SIZE <= 16 ? 2 : HEAD_SIZE <= 32 ? 4 : HEAD_SIZE <= 64 ? 8 : 16;

extern "C" __global__ void attention_wgmma_statistics(const Element *d_out, const Element *out, const float *lse,
                                                      float *statistics, unsigned *turns, int batch, int time,
                                                      int heads, int kv_heads) {
    long long thread = (long long) blockIdx.x * blockDim.x + threadIdx.x;
    int tiles = tiles_of(time, STREAM), all = batch * heads * tiles;
    if (thread <= all) turns[thread] = 0;
    if (thread < (long long) all * STREAM) {
        int tile = thread / STREAM, position = tile % tiles * STREAM + thread % STREAM;
        bool inside = position < time;
        statistics[thread + (long long) tile * STREAM] =
                inside ? lse[(long long) (tile / tiles) * time + position] * LOG2_E : 0;
    }
    int chunk = thread % LANES, row = thread / LANES, head = row % heads;
    int sequence = row / heads / (tiles * STREAM), position = row / heads % (tiles * STREAM);
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    float sum = 0;
    if (sequence < batch && position < time && 8 * chunk < HEAD_SIZE) {
        long long at = h.out(sequence, position, head) + 8 * chunk;
        uint4 a = *(const uint4 *) (d_out + at), b = *(const uint4 *) (out + at);
        const unsigned x[4] = {a.x, a.y, a.z, a.w}, y[4] = {b.x, b.y, b.z, b.w};
        HOT_LOOP
        for (int i = 0; i < 8; i++) {
            sum += to_float(Element{(unsigned short) (x[i / 2] >> 16 * (i % 2))})
                   * to_float(Element{(unsigned short) (y[i / 2] >> 16 * (i % 2))});
        }
    }
    HOT_LOOP
    for (int offset = LANES / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    if (sequence >= batch || chunk > 0) return;
    long long tile = (sequence * heads + head) * tiles + position / STREAM;
    statistics[tile * STATISTICS + STREAM + position % STREAM] = sum;
}

struct Consumer {
    const Memory &memory;
    const Heads &h;
    int consumer;
    bool causal;
    float scale;
    const Element *keys;
    int first, count; // tiles so far, of all works: where ring and barriers stand
    Sums d_keys = {}, d_values = {};

    // A tile. Of the first one, where it BEGINS, there are no queries' gradients of the one before.
    template <bool BEGINS> DEVICE void step(int query) {
        int own = uniform(first + threadIdx.x % GROUP / 32 * 16), buffer = count % BUFFERS;
        Ring<STAGES> ring = {count % STAGES, count / STAGES % 2};
        const Element *query_tile = memory.pairs.at(ring), *d_outs = query_tile + TILE;
        const float *log_sums = memory.statistics + ring.stage * STATISTICS;
        Scores p, d_s;
        Weights weights, d_weights;
        Part d_queries;
        memory.pairs.wait(ring);
        wgmma_fence();
        begin_scores(p, keys + consumer * OWN_TILE, query_tile);
        begin_scores(d_s, keys + (CONSUMERS + consumer) * OWN_TILE, d_outs);
        wgmma_wait<1>(); // the scores
        wgmma_hold(p);
        bool past = max(own + 16, query + STREAM) > h.time;
        if (past || (causal && own + 15 > query)) hide(p, own, query, h.time, causal);
        weigh(p, log_sums, scale * LOG2_E);
        round_weights(weights, p);
        wgmma_fence();
        begin_sums(d_values, weights, d_outs);
        if (!BEGINS) begin_before(d_queries, count - 1);
        wgmma_wait<BEGINS ? 1 : 2>(); // the probabilities' gradients
        wgmma_hold(d_s);
        differentiate(d_s, weights, log_sums + STREAM);
        round_weights(d_weights, d_s);
        // Sums that lay there have been stored: for racecheck alone, as by TO_CONSUMERS they have.
        if (BEGINS && GOES_ON) barrier_sync(BOTH, CONSUMERS * GROUP);
        mbarrier_wait(&memory.scores_empty[buffer], count / BUFFERS % 2 ^ 1);
        put_scores(memory.d_scores + buffer * SCORE_TILE, d_weights, consumer);
        async_proxy_fence();
        memory.arrive(&memory.scores_full[buffer]);
        wgmma_fence();
        begin_sums(d_keys, d_weights, query_tile);
        wgmma_wait<1>(); // all but that
        wgmma_hold(d_values);
        if (!BEGINS) give(d_queries, count - 1);
        wgmma_wait<0>();
        wgmma_hold(d_keys);
        memory.pairs.give_back(ring); // whose statistics the warp had read before it last met
        count++;
    }
    // The queries' gradients of a tile, once both consumers' scores' gradients are there.
    DEVICE void begin_before(Part &d_queries, int tile) {
        int buffer = tile % BUFFERS;
        mbarrier_wait(&memory.scores_full[buffer], tile / BUFFERS % 2);
        begin_queries(d_queries, memory.d_scores + buffer * SCORE_TILE, keys, consumer);
    }
    // Hands them to the tile's writer, in the order in which the threads have them.
    DEVICE void give(Part &d_queries, int tile) {
        wgmma_hold(d_queries);
        memory.arrive(&memory.scores_empty[tile % BUFFERS]);
        mbarrier_wait(memory.queries_empty, tile % 2 ^ 1);
        float4 *to = (float4 *) (memory.d_queries + consumer * PART) + threadIdx.x % GROUP;
        HOT_LOOP
        for (int n = 0; n < LINE / 8; n++) {
            const float (&q)[4] = fragments(d_queries)[n];
            to[n * GROUP] = make_float4(q[0], q[1], q[2], q[3]);
        }
        async_proxy_fence();
        memory.arrive(&memory.queries_full[tile % WRITERS]);
    }
    // The block's n-th work. Its sums leave by way of the scores' gradients, or, where the block has no other work, of
    // the keys and values: neither is used by then.
    DEVICE void run(const Work &work, int n, const tensor_map *d_qkv, const float *cosines, const float *sines) {
        Queries queries(work, h, causal);
        mbarrier_wait(&memory.held_full[n % HELD_TILES], n / HELD_TILES % 2);
        step<true>(queries.position);
        for (queries.advance(); queries.position < h.time; queries.advance()) step<false>(queries.position);
        Part d_queries;
        wgmma_fence();
        begin_before(d_queries, count - 1);
        wgmma_wait<0>();
        give(d_queries, count - 1);
        barrier_sync(BOTH, CONSUMERS * GROUP); // scores' gradients and keys read by both
        Element *tiles = (GOES_ON ? memory.d_scores : memory.held(0)) + consumer * OWN_TILE;
        int head = h.heads + work.head, sequence = work.sequence;
        store_rows(d_values, tiles + CONSUMERS * OWN_TILE, d_qkv, consumer, head + h.kv_heads, 0, first, sequence);
        const float scales[2] = {scale, scale};
        scale_rows(fragments(d_keys), scales);
#if ROTATED
        turn_back(d_keys, cosines, sines, first, h.time);
#endif
        store_rows(d_keys, tiles, d_qkv, consumer, head, 0, first, sequence);
    }
};

// The producer, a thread.
struct Producer {
    const Memory &memory;
    const tensor_map *d_out, *qkv, *statistics;
    const Heads &h;
    Ring<STAGES> ring;

    DEVICE void load_work(const Work &work, int n) {
        mbarrier *full = &memory.held_full[n % HELD_TILES];
        mbarrier_arrive_expect(full, 2 * CONSUMERS * OWN_TILE * (int) sizeof(Element));
        int key_head = h.heads + work.head;
        Element *keys = memory.held(n);
        load_held(keys, qkv, key_head, work.first_key, work.sequence, full);
        load_held(keys + CONSUMERS * OWN_TILE, qkv, key_head + h.kv_heads, work.first_key, work.sequence, full);
    }
    DEVICE void run(const Work &work, int n, bool causal) {
        load_work(work, n);
        for (Queries queries(work, h, causal); queries.position < h.time; queries.advance(), ring.advance()) {
            memory.pairs.wait_empty(ring);
            memory.pairs.expect(ring, STATISTICS * (int) sizeof(float));
            Element *tiles = memory.pairs.at(ring);
            mbarrier *full = &memory.pairs.full[ring.stage];
            load_tile<STREAM>(tiles, qkv, queries.head, queries.position, work.sequence, full);
            load_tile<STREAM>(tiles + TILE, d_out, queries.head, queries.position, work.sequence, full);
            tma_load(memory.statistics + ring.stage * STATISTICS, statistics, 0, queries.tile(work, h), full);
        }
    }
};

// A writer, a thread: adds parts of the block, of every other tile, to the queries' gradients [batch, heads, tiles,
// STREAM * WIDTH] when its turn has come, and passes it on once that is complete. Meanwhile the other one begins.
struct Writer {
    const Memory &memory;
    float *d_queries;
    unsigned *turns;
    const Heads &h;
    int which, count; // tiles so far, of all works

    DEVICE void add(int tile, unsigned turn) {
        const int SIZE = CONSUMERS * PART;
        float *to = d_queries + (long long) tile * SIZE;
        if (turn > 0) turn_wait(turns + tile, turn);
        mbarrier_wait(&memory.queries_full[which], count / WRITERS % 2);
        if (turn > 0) bulk_add(to, memory.d_queries, SIZE);
        else bulk_store(to, memory.d_queries, SIZE);
        bulk_commit();
        bulk_wait_read<0>();
        mbarrier_arrive(memory.queries_empty);
        bulk_wait<0>();
        turn_pass(turns + tile, turn + 1);
    }
    DEVICE void run(const Work &work, bool causal) {
        for (Queries queries(work, h, causal); queries.position < h.time; queries.advance(), count++) {
            if (count % WRITERS == which) add(queries.tile(work, h), work.turn(queries.position));
        }
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_wgmma_backward(const __grid_constant__ tensor_map d_out, const __grid_constant__ tensor_map qkv,
                         const __grid_constant__ tensor_map statistics, const __grid_constant__ tensor_map d_qkv,
                         float *d_queries, unsigned *turns, const float *cosines, const float *sines, int section,
                         int rising, int batch, int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, shared);
    Memory memory(shared);
    memory.initialize();
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    int group = uniform(threadIdx.x / GROUP), warp = threadIdx.x / 32;
    Order order = {section, batch * kv_heads, time, kv_heads, rising != 0, causal != 0};
    Work work;
    if (group == 0) {
        release_registers<PRODUCER_REGISTERS>();
        if (warp == 0) {
            Producer producer = {memory, &d_out, &qkv, &statistics, h, {0, 1}}; // the stages of a new ring are empty
            for (int n = 0; memory.take(work, order, turns, n); n++) {
                if (lane() == 0) producer.run(work, n, causal);
                if (!GOES_ON) break;
            }
        } else if (warp <= WRITERS) {
            Writer writer = {memory, d_queries, turns + 1, h, warp - 1, 0};
            while (memory.wait_for_work(work, order, TO_WRITERS, WITH_WRITERS)) {
                if (lane() == 0) writer.run(work, causal);
                if (!GOES_ON) break;
            }
        }
        return;
    }
    claim_registers<CONSUMER_REGISTERS>();
    int consumer = group - 1, count = 0;
    for (int n = 0; memory.wait_for_work(work, order, TO_CONSUMERS, WITH_CONSUMERS); n++) {
        Consumer sums = {memory, h, consumer, causal != 0, scale, memory.held(n), work.first_key + consumer * ROWS,
                         count};
        sums.run(work, n, &d_qkv, cosines, sines);
        if (!GOES_ON) break;
        count = sums.count;
    }
}

// The queries' gradients from where the writers left them, scaled and rounded, to their rows: a warp group a part.
extern "C" __global__ void __launch_bounds__(GROUP)
attention_wgmma_round(const float *d_queries, const __grid_constant__ tensor_map d_qkv, const float *cosines,
                      const float *sines, int time, int heads, float scale) {
    DYNAMIC_SHARED(Element, tile);
    int tiles = tiles_of(time, STREAM), part = blockIdx.x % CONSUMERS, index = blockIdx.x / CONSUMERS;
    int query = index % tiles * STREAM + (BY_QUERIES ? part * ROWS : 0);
    const float4 *from = (const float4 *) (d_queries + (long long) blockIdx.x * PART) + threadIdx.x;
    Part sums;
    HOT_LOOP
    for (int n = 0; n < LINE / 8; n++) {
        float4 q = from[n * GROUP];
        float (&quarter)[4] = fragments(sums)[n];
        quarter[0] = q.x * scale;
        quarter[1] = q.y * scale;
        quarter[2] = q.z * scale;
        quarter[3] = q.w * scale;
    }
#if ROTATED
    turn_back(sums, cosines, sines, query, time);
#endif
    store_rows(sums, tile, &d_qkv, 0, index / tiles % heads, BY_QUERIES ? 0 : part, query, index / tiles / heads);
}
