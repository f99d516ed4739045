// The backward pass of the rung wgmma: one kernel forms all five products of a tile of scores, as in FlashAttention-3
// (Shah et al., 2024, section 3 and appendix B.1). A block has HELD keys; queries and their output's gradients go by.
// Scores stand with keys in the rows, so that the probabilities and the scores' gradients, rounded, are left factors of
// the values' and the keys' gradients in the very registers in which they were formed. For the queries' gradients
// both consumers put theirs into shared memory, and form them a tile later, when the other's are there without waiting.
// A tile of those is a sum over the blocks of all keys that it sees, in float in global memory: a thread of the
// producer's warp group adds a block's part when its turn has come. The order being fixed, results are, to the bit.
// Blocks take their work by a ticket, so whom a block waits for has begun before it.
// Over the two kernels that came before, which formed seven or eight products, this brought 0.375 to 0.257 ms at 64
// heads of 64 and 2048 positions, causal (335 TFLOP/s), 1.21 to 0.89 ms at 128 heads of 128 (385), on an NVIDIA H200,
// bfloat16 (docs/attention.md).
// Only for sm_90a. Head sizes are multiples of 8 to 128: above, a gradient's sums and two tiles of scores are more than
// a consumer's registers, and the rung mma takes over.
// Macros beside those of wgmma.cuh: STREAM, 128 for heads to 64, else 64; ROTATED, of turn.cuh.
// local memory: 88 bytes, because for float16 and rotated heads of 64 registers do not suffice; for bfloat16 they do.
#include "turn.cuh"
#include "wgmma-backward.cuh"

// deltas [batch, heads, time]: the product of each row of the output with its gradient (Dao, "FlashAttention-2", 2023,
// algorithm 2, line 4). LANES threads a row, each 16 bytes at once. And no turn has been taken yet, nor a ticket.
static constexpr int LANES = HEAD_SIZE <= 8 ? 1 : HEAD_SIZE <= 16 ? 2 : HEAD_SIZE <= 32 ? 4 : HEAD_SIZE <= 64 ? 8 : 16;

extern "C" __global__ void attention_wgmma_deltas(const Element *d_out, const Element *out, float *deltas,
                                                  unsigned *turns, int batch, int time, int heads, int kv_heads) {
    long long thread = (long long) blockIdx.x * blockDim.x + threadIdx.x;
    if (thread <= (long long) batch * heads * tiles_of(time, STREAM)) turns[thread] = 0;
    long long row = thread / LANES, position = row / heads;
    int chunk = thread % LANES, head = row % heads;
    bool inside = row < (long long) batch * time * heads;
    float sum = 0;
    if (inside && 8 * chunk < HEAD_SIZE) {
        uint4 a = *(const uint4 *) (d_out + row * HEAD_SIZE + 8 * chunk);
        uint4 b = *(const uint4 *) (out + row * HEAD_SIZE + 8 * chunk);
        const unsigned x[4] = {a.x, a.y, a.z, a.w}, y[4] = {b.x, b.y, b.z, b.w};
        HOT_LOOP
        for (int i = 0; i < 8; i++) {
            sum += to_float(Element{(unsigned short) (x[i / 2] >> 16 * (i % 2))})
                   * to_float(Element{(unsigned short) (y[i / 2] >> 16 * (i % 2))});
        }
    }
    HOT_LOOP
    for (int offset = LANES / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    if (inside && chunk == 0) deltas[h.lse(position / time, position % time, head)] = sum;
}

struct Consumer {
    const Memory &memory;
    const Queries &queries;
    int consumer, first, time;
    bool causal;
    float scale;
    Ring<STAGES> ring;
    Sums d_keys, d_values;

    // A tile: `begins` for the first one. Then there are no sums yet, nor queries' gradients of the one before.
    template <bool BEGINS> DEVICE void step(int tile) {
        int own = first + threadIdx.x % GROUP / 32 * 16, query = queries.position(tile), buffer = tile % BUFFERS;
        const Element *query_tile = memory.pairs.at(ring), *d_outs = query_tile + TILE;
        const float *log_sums = memory.statistics + ring.stage * 2 * STREAM;
        Scores p, d_s;
        Weights weights, d_weights;
        Part d_queries;
        memory.pairs.wait(ring);
        wgmma_fence();
        begin_scores(p, memory.keys + consumer * OWN_TILE, query_tile);
        begin_scores(d_s, memory.values + consumer * OWN_TILE, d_outs);
        wgmma_wait<1>(); // the scores
        wgmma_hold(p);
        if (own + 16 > time || (causal && own + 15 > query)) hide(p, own, query, time, causal);
        weigh(p, log_sums, scale * LOG2_E);
        round_weights(weights, p);
        wgmma_fence();
        begin_sums(d_values, weights, d_outs, BEGINS);
        if (!BEGINS) begin_before(d_queries, tile - 1);
        wgmma_wait<BEGINS ? 1 : 2>(); // the probabilities' gradients
        wgmma_hold(d_s);
        differentiate(d_s, weights, log_sums + STREAM);
        round_weights(d_weights, d_s);
        mbarrier_wait(&memory.scores_empty[buffer], tile / BUFFERS % 2 ^ 1);
        put_scores(memory.d_scores + buffer * SCORE_TILE, d_weights, consumer);
        async_proxy_fence();
        memory.arrive(&memory.scores_full[buffer]);
        wgmma_fence();
        begin_sums(d_keys, d_weights, query_tile, BEGINS);
        wgmma_wait<1>(); // all but that
        wgmma_hold(d_values);
        if (!BEGINS) give(d_queries, tile - 1);
        wgmma_wait<0>();
        wgmma_hold(d_keys);
        memory.pairs.give_back(ring); // whose statistics the warp had read before it last met
    }
    // The queries' gradients of a tile, once both consumers' scores' gradients are there.
    DEVICE void begin_before(Part &d_queries, int tile) {
        int buffer = tile % BUFFERS;
        mbarrier_wait(&memory.scores_full[buffer], tile / BUFFERS % 2);
        begin_queries(d_queries, memory.d_scores + buffer * SCORE_TILE, memory.keys, consumer);
    }
    // Hands them to the writer, in the order in which the threads have them.
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
        memory.arrive(memory.queries_full);
    }
    DEVICE void run() {
        mbarrier_wait(memory.held_full, 0);
        step<true>(0);
        for (int tile = 1; tile < queries.count; tile++) step<false>(tile);
        Part d_queries;
        wgmma_fence();
        begin_before(d_queries, queries.count - 1);
        wgmma_wait<0>();
        give(d_queries, queries.count - 1);
    }
};

// The producer's first warp: rows of statistics have no alignment that TMA would take, so that its lanes copy them.
DEVICE void produce(const Memory &memory, const tensor_map *d_out, const tensor_map *qkv, const float *lse,
                    const float *deltas, const Queries &queries, const Place &place, const Heads &h) {
    if (lane() == 0) {
        mbarrier_arrive_expect(memory.held_full, 2 * CONSUMERS * OWN_TILE * (int) sizeof(Element));
        int key_head = h.heads + place.head;
        load_held(memory.keys, qkv, key_head, place.first, place.sequence, memory.held_full);
        load_held(memory.values, qkv, key_head + h.kv_heads, place.first, place.sequence, memory.held_full);
    }
    Ring<STAGES> ring = {0, 1}; // the stages of a new ring are empty
    for (int tile = 0; tile < queries.count; tile++, ring.advance()) {
        int query = queries.position(tile), head = queries.head(tile);
        memory.pairs.wait_empty(ring);
        float *log_sums = memory.statistics + ring.stage * 2 * STREAM;
        for (int i = lane(); i < STREAM; i += 32) {
            long long at = h.lse(place.sequence, query + i, head);
            bool valid = query + i < h.time;
            log_sums[i] = valid ? lse[at] * LOG2_E : 0;
            log_sums[STREAM + i] = valid ? deltas[at] : 0;
        }
        __syncwarp(); // statistics written
        if (lane() > 0) continue;
        memory.pairs.expect(ring);
        Element *tiles = memory.pairs.at(ring);
        mbarrier *full = &memory.pairs.full[ring.stage];
        load_tile<STREAM>(tiles, qkv, head, query, place.sequence, full);
        load_tile<STREAM>(tiles + TILE, d_out, head, query, place.sequence, full);
    }
}

// The writer, a thread: adds the block's part to the queries' gradients [batch, heads, tiles, STREAM * WIDTH] when its
// turn has come. It passes the turn on a tile later, when the addition is complete.
DEVICE void write(const Memory &memory, float *d_queries, unsigned *turns, const Queries &queries, const Work &work,
                  const Heads &h) {
    const int SIZE = CONSUMERS * PART;
    int skip = queries.first / STREAM;
    long long at = ((long long) work.place.sequence * h.heads + queries.first_head) * tiles_of(h.time, STREAM) + skip;
    float *to = d_queries + at * SIZE;
    unsigned *word = turns + at, *before = nullptr;
    unsigned turn, passed = 0;
    for (int tile = 0, of_head = 0; tile < queries.count; tile++) {
        turn = work.rising ? work.place.first / HELD : of_head * STREAM / HELD;
        if (turn > 0) turn_wait(word, turn);
        mbarrier_wait(memory.queries_full, tile % 2);
        if (turn > 0) bulk_add(to, memory.d_queries, SIZE);
        else bulk_store(to, memory.d_queries, SIZE);
        bulk_commit();
        bulk_wait_read<0>();
        mbarrier_arrive(memory.queries_empty);
        if (tile > 0) {
            bulk_wait<1>();
            turn_pass(before, passed);
        }
        passed = turn + 1;
        before = word++;
        to += SIZE;
        if (++of_head == queries.tiles) {
            of_head = 0;
            word += skip;
            to += (long long) skip * SIZE;
        }
    }
    bulk_wait<0>();
    turn_pass(before, passed);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_wgmma_backward(const __grid_constant__ tensor_map d_out, const __grid_constant__ tensor_map qkv,
                         const float *lse, const float *deltas, const __grid_constant__ tensor_map d_qkv,
                         float *d_queries, unsigned *turns, const float *cosines, const float *sines, int section,
                         int batch, int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, shared);
    Memory memory(shared);
    memory.initialize(turns + (long long) batch * heads * tiles_of(time, STREAM));
    Heads h = {time, heads, kv_heads, HEAD_SIZE};
    Work work(uniform(*memory.ticket), section, batch * kv_heads, tiles_of(time, HELD), kv_heads,
              causal);
    const Place &place = work.place;
    Queries queries(place, h, causal);
    int group = uniform(threadIdx.x / GROUP), warp = threadIdx.x / 32;
    if (group == 0) {
        release_registers<PRODUCER_REGISTERS>();
        if (warp == 0) produce(memory, &d_out, &qkv, lse, deltas, queries, place, h);
        if (threadIdx.x == 32) write(memory, d_queries, turns, queries, work, h);
        return;
    }
    claim_registers<CONSUMER_REGISTERS>();
    int consumer = group - 1, first = place.first + consumer * ROWS, head = heads + place.head;
    Consumer sums = {memory, queries, consumer, first, time, causal != 0, scale, {0, 0}};
    sums.run();
    barrier_sync(BOTH, CONSUMERS * GROUP); // keys read by both
    store_rows(sums.d_values, memory.values + consumer * OWN_TILE, &d_qkv, consumer, head + kv_heads, 0, first,
               place.sequence);
    const float scales[2] = {scale, scale};
    scale_rows(fragments(sums.d_keys), scales);
#if ROTATED
    turn_back(sums.d_keys, cosines, sines, first, time);
#endif
    store_rows(sums.d_keys, memory.keys + consumer * OWN_TILE, &d_qkv, consumer, head, 0, first, place.sequence);
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
