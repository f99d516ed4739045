// What this adds to mma: Hopper's wgmma and Tensor Memory Accelerator, arranged as in FlashAttention-3 (Shah et al.,
// 2024, sections 3.1 and 3.2). A block has three warp groups. The first gives up its registers and has one thread ask
// for tiles: the queries once, then keys and values in turn into rings of STAGES buffers. The other two have 64 queries
// each. Their products read queries, keys and values in shared memory, and the probabilities from the registers in
// which the softmax left them. They take turns: one begins its next scores and its last values' sums, then its softmax
// runs while the tensor cores are at the other's; and within a group, the sums of one tile run beside the softmax of
// the next. Key tiles wholly in the future are skipped, and only those on the diagonal or past the end are masked. Only
// for sm_90a, forward alone: the backward pass is that of the rung mma. Head sizes are multiples of 8 to 256.
//
// Where wgmma finds what (hopper.cuh has the rules): a tile lies in panels of LINE columns, each a column of lines of
// LINE elements, one a position. Queries and keys are K-major, k running along the head: 16 elements further are 32
// bytes further in the line, or after LINE elements in the next panel. Values are the right factor with its lines along
// n, the head: MN-major. The next 16 of k, positions, are 16 lines further; the next LINE of n lie a panel further,
// which is the leading offset; the stride, from 8 positions to the next 8, is 8 lines.
// The tensor maps have the dimensions [headSize, heads, time, batch]: columns past the head are zeros without being
// read from a neighbour, and so are positions past the end of a sequence; neither is written.
// Macros: ELEMENT, f16 or bf16; HEAD_SIZE; LINE, 32 for heads to 32, else 64; KEYS, positions of a tile of keys, a
// multiple of 64; STAGES.
#include "fragments.cuh"
#include "hopper.cuh"

static constexpr int CONSUMERS = 2;
static constexpr int GROUP = 128;
static constexpr int THREADS = (1 + CONSUMERS) * GROUP;
static constexpr int ROWS = 64; // queries of a consumer
static constexpr int HELD = CONSUMERS * ROWS;
static constexpr int BOX = 64; // positions of one copy

static constexpr int LINE_BYTES = LINE * (int) sizeof(Element);
static constexpr int PANELS = (HEAD_SIZE + LINE - 1) / LINE;
// Columns that products go over: as sums, whole panels; along k, whole steps of 16.
static constexpr int WIDTH = PANELS * LINE;
static constexpr int DEPTH = (HEAD_SIZE + 15) / 16 * 16;
static constexpr int QUERY_TILE = ROWS * WIDTH;
static constexpr int KEY_TILE = KEYS * WIDTH;

// Registers: 384 threads are launched with 168 each, in all 128 x (24 + 2 x 240).
static constexpr int PRODUCER_REGISTERS = 24;
static constexpr int CONSUMER_REGISTERS = 240;

// Named barriers: whose turn it is to begin products, and one for each consumer by itself.
static constexpr int TURN = 1;
static constexpr int OWN = TURN + CONSUMERS;

// A ring of tiles: full when its copies have come, empty when all warps of both consumers are done with it.
struct Tiles {
    Element *tiles;
    mbarrier *full, *empty;

    DEVICE void initialize() const {
        for (int stage = 0; stage < STAGES; stage++) {
            mbarrier_init(&full[stage], 1);
            mbarrier_init(&empty[stage], CONSUMERS * GROUP / 32);
        }
    }
    DEVICE Element *tile(int stage) const { return tiles + stage * KEY_TILE; }
    DEVICE void wait(const Ring<STAGES> &ring) const { mbarrier_wait(&full[ring.stage], ring.parity); }
    DEVICE void give_back(Ring<STAGES> &ring) const {
        if (lane() == 0) mbarrier_arrive(&empty[ring.stage]);
        ring.advance();
    }
};

// Begins to copy COUNT positions of a head.
template <int COUNT>
DEVICE void load_tile(Element *tile, const tensor_map *map, int head, int position, int sequence, mbarrier *full) {
    HOT_LOOP
    for (int panel = 0; panel < PANELS; panel++) {
        HOT_LOOP
        for (int row = 0; row < COUNT; row += BOX) {
            tma_load(tile + (panel * COUNT + row) * LINE, map, panel * LINE, head, position + row, sequence, full);
        }
    }
}

DEVICE void load_next(const Tiles &to, const Ring<STAGES> &ring, const tensor_map *map, int head, int position,
                      int sequence) {
    mbarrier_wait(&to.empty[ring.stage], ring.parity);
    mbarrier_arrive_expect(&to.full[ring.stage], KEY_TILE * (int) sizeof(Element));
    load_tile<KEYS>(to.tile(ring.stage), map, head, position, sequence, &to.full[ring.stage]);
}

// The producer: one thread.
DEVICE void produce(Element *queries, mbarrier *queries_full, const Tiles &keys, const Tiles &values,
                    const tensor_map *qkv, const Place &place, const Heads &h, int seen) {
    tma_prefetch_map(qkv);
    mbarrier_arrive_expect(queries_full, CONSUMERS * QUERY_TILE * (int) sizeof(Element));
    for (int i = 0; i < CONSUMERS; i++) {
        load_tile<ROWS>(queries + i * QUERY_TILE, qkv, place.head, place.first + i * ROWS, place.sequence,
                        queries_full);
    }
    int key_head = h.heads + place.head / h.group(), value_head = key_head + h.kv_heads;
    Ring<STAGES> ring = {0, 1}; // the stages of a new ring are empty
    for (int key = 0; key < seen; key += KEYS) {
        load_next(keys, ring, qkv, key_head, key, place.sequence);
        load_next(values, ring, qkv, value_head, key, place.sequence);
        ring.advance();
    }
}

typedef float Scores[KEYS / 32][4][4];
typedef unsigned Weights[KEYS / 16][4];
typedef float Sums[WIDTH / 32][4][4];

// The quarters of accumulators are fragments as those of mma.
template <int P> DEVICE float (&fragments(float (&d)[P][4][4]))[4 * P][4] {
    return reinterpret_cast<float (&)[4 * P][4]>(d);
}

// Begins the products of a consumer's queries with a tile of keys.
DEVICE void begin_scores(Scores &s, const Element *queries, const Element *keys) {
    wgmma_hold(s);
    HOT_LOOP
    for (int k = 0; k < DEPTH; k += 16) {
        wgmma<Element, 0, 0>(s, wgmma_descriptor<LINE_BYTES>(queries + k / LINE * ROWS * LINE + k % LINE, 16),
                             wgmma_descriptor<LINE_BYTES>(keys + k / LINE * KEYS * LINE + k % LINE, 16), k > 0);
    }
    wgmma_commit();
    wgmma_hold(s);
}

// Begins to add up a tile of values, weighted; the first tile's sums are the first.
DEVICE void begin_sums(Sums &sums, const Weights &p, const Element *values, bool first) {
    wgmma_hold(sums);
    HOT_LOOP
    for (int k = 0; k < KEYS; k += 16) {
        wgmma<Element, 1>(sums, p[k / 16], wgmma_descriptor<LINE_BYTES>(values + k * LINE, KEYS * LINE_BYTES),
                          !first || k > 0);
    }
    wgmma_commit();
    wgmma_hold(sums);
}

DEVICE void round_weights(Weights &p, const Scores &s) {
    HOT_LOOP
    for (int k = 0; k < KEYS / 16; k++) {
        HOT_LOOP
        for (int i = 0; i < 4; i++) {
            const float (&quarter)[4] = s[k / 2][k % 2 * 2 + i / 2];
            p[k][i] = pack<Element>(quarter[i % 2 * 2], quarter[i % 2 * 2 + 1]);
        }
    }
}

// Writes a consumer's sums over its queries and from there to the tensor, each warp its sixteen rows.
DEVICE void store_rows(Sums &sums, Element *queries, const tensor_map *out, int consumer, int head, int position,
                       int sequence) {
    int warp_row = threadIdx.x % GROUP / 32 * 16;
    barrier_sync(OWN + consumer, GROUP); // queries read by all warps of the consumer
    HOT_LOOP
    for (int n = 0; n < WIDTH / 8; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e += 2) {
            int column = fragment_column(n, e), row = warp_row + fragment_row(e);
            char *panel = (char *) (queries + column / LINE * ROWS * LINE);
            const float (&quarter)[4] = sums[n / 4][n % 4];
            *(unsigned *) (panel + swizzled<LINE_BYTES>((row * LINE + column % LINE) * (int) sizeof(Element))) =
                    pack<Element>(quarter[e], quarter[e + 1]);
        }
    }
    async_proxy_fence();
    __syncwarp(); // rounded rows written
    if (lane() == 0) {
        HOT_LOOP
        for (int panel = 0; panel < PANELS; panel++) {
            tma_store(out, queries + (panel * ROWS + warp_row) * LINE, panel * LINE, head, position + warp_row,
                      sequence);
        }
        tma_store_wait();
    }
}

// A consumer: one of two warp groups, whose first query is the tile's `consumer * ROWS`th.
DEVICE void consume(Element *queries, mbarrier *queries_full, const Tiles &keys, const Tiles &values,
                    const tensor_map *out, float *lse, const Place &place, const Heads &h, int seen, int consumer,
                    bool causal, float scale) {
    int first = place.first + consumer * ROWS, own = first + threadIdx.x % GROUP / 32 * 16, other = 1 - consumer;
    Ring<STAGES> key_ring = {0, 0}, value_ring = {0, 0};
    Scores s;
    Weights p;
    Sums sums;
    Softmax softmax;
    float shrink[2];
    auto weigh = [&](int key) {
        if (key + KEYS > h.time || (causal && key + KEYS > own)) mask(fragments(s), own, key, h.time, causal);
        softmax.take(fragments(s), shrink, scale * LOG2_E);
    };

    if (seen > KEYS && consumer == 1) barrier_arrive(TURN + other, CONSUMERS * GROUP); // who begins
    mbarrier_wait(queries_full, 0);
    keys.wait(key_ring);
    wgmma_fence();
    begin_scores(s, queries, keys.tile(key_ring.stage));
    wgmma_wait<0>();
    wgmma_hold(s);
    keys.give_back(key_ring);
    weigh(0);
    round_weights(p, s);
    for (int key = KEYS; key < seen; key += KEYS) {
        keys.wait(key_ring);
        values.wait(value_ring);
        barrier_sync(TURN + consumer, CONSUMERS * GROUP);
        wgmma_fence();
        begin_scores(s, queries, keys.tile(key_ring.stage));
        begin_sums(sums, p, values.tile(value_ring.stage), key == KEYS);
        // After its last products, consumer 1 has no turn to pass on that the other would take.
        if (consumer == 0 || key + KEYS < seen) barrier_arrive(TURN + other, CONSUMERS * GROUP);
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
    begin_sums(sums, p, values.tile(value_ring.stage), seen <= KEYS);
    wgmma_wait<0>();
    wgmma_hold(sums);

    softmax.finish(lse + h.lse(place.sequence, 0, place.head), own, h.time, scale);
    const float inverse[2] = {1 / softmax.sum[0], 1 / softmax.sum[1]};
    scale_rows(fragments(sums), inverse);
    store_rows(sums, queries, out, consumer, place.head, first, place.sequence);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_wgmma_forward(const __grid_constant__ tensor_map qkv, const __grid_constant__ tensor_map out, float *lse,
                        int time, int heads, int kv_heads, int causal, float scale) {
    DYNAMIC_SHARED(Element, queries);
    Element *key_tiles = queries + CONSUMERS * QUERY_TILE, *value_tiles = key_tiles + STAGES * KEY_TILE;
    mbarrier *barriers = (mbarrier *) (value_tiles + STAGES * KEY_TILE), *queries_full = barriers + 4 * STAGES;
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
    int seen = causal ? min(time, place.first + HELD) : time, group = threadIdx.x / GROUP;
    if (group == 0) {
        release_registers<PRODUCER_REGISTERS>();
        if (threadIdx.x == 0) produce(queries, queries_full, keys, values, &qkv, place, h, seen);
    } else {
        claim_registers<CONSUMER_REGISTERS>();
        int consumer = group - 1;
        consume(queries + consumer * QUERY_TILE, queries_full, keys, values, &out, lse, place, h, seen, consumer,
                causal, scale);
    }
}
