// What the backward pass of the rung wgmma works with: its shared memory, the order of its work, the queries that go
// by, and what becomes of a tile of scores. wgmma-backward.cu says how it goes.
#pragma once
#include "wgmma.cuh"

static_assert(STREAM == (WIDTH > 64 ? 64 : 128), "scores, their gradients and two sums are a consumer's registers");

// Of the queries' gradients of a tile, a consumer forms its half: of 128 queries 64, of 64 queries a panel.
static constexpr bool BY_QUERIES = STREAM == 2 * ROWS;
static constexpr int PART = ROWS * LINE;
typedef float Part[LINE / 32][4][4];
static_assert(CONSUMERS * PART == STREAM * WIDTH, "parts make up a tile");

// A buffer: tiles of two tensors.
typedef Buffers<2 * TILE> Pairs;

// The scores' gradients for wgmma: lines of SCORE_LINE queries, one a key, in panels of HELD lines; BUFFERS of them.
static constexpr int SCORE_LINE = 64; // 128 bytes
static constexpr int SCORE_TILE = HELD * STREAM;
static constexpr int BUFFERS = 2;

DEVICE int tiles_of(int time, int tile) { return (time + tile - 1) / tile; }

// Where two tiles of keys and values fit, blocks go from one to the next, which is copied while they still work on the
// one before. Else a block has one.
static constexpr int HELD_TILES = WIDTH <= 64 ? 2 : 1;
static constexpr bool GOES_ON = HELD_TILES == 2;
static_assert(!GOES_ON || 2 * CONSUMERS * OWN_TILE <= BUFFERS * SCORE_TILE, "sums leave by way of scores' gradients");

// The queries' log-sum-exps, in base 2, and deltas of a tile, as attention_wgmma_statistics leaves them.
static constexpr int STATISTICS = 2 * STREAM;

// Threads of two warps add to the queries' gradients.
static constexpr int WRITERS = 2;

// Named barriers: of both consumers; where the producer hands the consumers and the writers a ticket, and where they
// say that they have taken it; and who comes there.
static constexpr int BOTH = OWN + CONSUMERS;
static constexpr int TO_CONSUMERS = BOTH + 1;
static constexpr int TO_WRITERS = BOTH + 2;
static constexpr int TAKEN = BOTH + 3;
static constexpr int WITH_CONSUMERS = 32 + CONSUMERS * GROUP;
static constexpr int WITH_WRITERS = 32 + WRITERS * 32;
static constexpr int ALL = WITH_CONSUMERS + WRITERS * 32;

// A tile of a head's keys, and when its parts are added to the gradients of a tile of queries.
struct Work {
    int sequence, head, first_key;
    bool rising, none; // none: all has been taken

    DEVICE unsigned turn(int query) const { return (rising ? first_key : query - first_key) / HELD; }
};

// The order in which blocks take work: of a section of heads a tile of keys of each, then the next. A causal tile of
// queries is first seen by the block whose keys are its own, and by those of earlier keys so much later in their
// course; in that order parts are added, and blocks begin, so that even those that run side by side never wait. Only
// the last section begins, and adds, at the first keys: the longest blocks must not come last of all. Without a mask
// all do, and where `rising` says so.
struct Order {
    int section, units, time, kv_heads; // heads of a section; heads of keys of all sequences
    bool rising, causal;

    DEVICE Work work(int ticket) const {
        int tiles = tiles_of(anew(time), HELD), all = anew(units);
        if (ticket >= all * tiles) return {0, 0, 0, false, true};
        int first = ticket / (section * tiles) * section, rest = ticket - first * tiles;
        int width = min(section, all - first), unit = first + rest % width, tile = rest / width;
        bool rises = rising || !causal || first + width == all;
        return {unit / kv_heads, unit % kv_heads, (rises ? tile : tiles - 1 - tile) * HELD, rises, false};
    }
};

// Shared memory: tiles of keys and values, the ring, the scores' gradients, a tile of the queries', the statistics of
// each buffer of the ring, barriers, and the block's ticket.
struct Memory {
    Element *keys, *d_scores;
    float *d_queries, *statistics;
    Pairs pairs;
    mbarrier *held_full, *scores_full, *scores_empty, *queries_full, *queries_empty;
    int *ticket;

    DEVICE Memory(Element *shared) {
        keys = shared;
        Element *ring = keys + HELD_TILES * 2 * CONSUMERS * OWN_TILE;
        d_scores = ring + STAGES * 2 * TILE;
        d_queries = (float *) (d_scores + BUFFERS * SCORE_TILE);
        statistics = d_queries + CONSUMERS * PART;
        mbarrier *barriers = (mbarrier *) (statistics + STAGES * STATISTICS);
        pairs = {ring, barriers, barriers + STAGES};
        held_full = barriers + 2 * STAGES;
        scores_full = held_full + HELD_TILES;
        scores_empty = scores_full + BUFFERS;
        queries_full = scores_empty + BUFFERS;
        queries_empty = queries_full + WRITERS;
        ticket = (int *) (queries_empty + 1);
    }
    DEVICE void initialize() const {
        if (threadIdx.x == 0) {
            pairs.initialize();
            for (int i = 0; i < HELD_TILES; i++) mbarrier_init(&held_full[i], 1);
            for (int i = 0; i < BUFFERS; i++) {
                mbarrier_init(&scores_full[i], CONSUMERS * GROUP / 32);
                mbarrier_init(&scores_empty[i], CONSUMERS * GROUP / 32);
            }
            for (int i = 0; i < WRITERS; i++) mbarrier_init(&queries_full[i], CONSUMERS * GROUP / 32);
            mbarrier_init(queries_empty, 1);
            mbarrier_init_fence();
            *ticket = 0;
        }
        __syncthreads(); // barriers initialized, ticket written
    }
    // Warps arrive once all their lanes have.
    DEVICE static void arrive(mbarrier *barrier) {
        __syncwarp();
        if (lane() == 0) mbarrier_arrive(barrier);
    }
    // The producer's warp takes the block's n-th work, if there is one, and hands the others its ticket. By atomics:
    // compute-sanitizer's racecheck takes a barrier for no order where some warps arrive and go on. Once all have taken
    // the work before, the consumers are done with the one before that, whose keys' place is free then.
    DEVICE bool take(Work &work, const Order &order, unsigned *tickets, int n) const {
        __syncwarp();
        if (n > 0) barrier_sync(TAKEN, ALL);
        int taken = 0;
        if (lane() == 0) atomicExch(ticket, taken = (int) atomicAdd(tickets, 1u));
        work = order.work(uniform(taken));
        barrier_arrive(TO_CONSUMERS, WITH_CONSUMERS);
        barrier_arrive(TO_WRITERS, WITH_WRITERS);
        return !work.none;
    }
    // The others wait for it. Once both consumers have come, both have stored the sums of the work before.
    DEVICE bool wait_for_work(Work &work, const Order &order, int barrier, int threads) const {
        __syncwarp();
        barrier_sync(barrier, threads);
        work = order.work(uniform(lane() == 0 ? atomicAdd(ticket, 0) : 0));
        if (GOES_ON && !work.none) barrier_arrive(TAKEN, ALL);
        return !work.none;
    }
    DEVICE Element *held(int n) const { return keys + n % HELD_TILES * 2 * CONSUMERS * OWN_TILE; }
};

// The queries that go by a block's keys: of a tile of positions those of all heads of the group, then the next. So the
// block of the keys before follows as many tiles behind as the group has heads, or twice as many.
struct Queries {
    int position, head, first_head, group;

    DEVICE Queries(const Work &work, const Heads &h, bool causal) {
        group = h.group();
        position = causal ? work.first_key : 0;
        head = first_head = work.head * group;
    }
    DEVICE void advance() {
        if (++head < first_head + group) return;
        head = first_head;
        position += STREAM;
    }
    DEVICE int tile(const Work &work, const Heads &h) const {
        return (work.sequence * h.heads + head) * tiles_of(h.time, STREAM) + position / STREAM;
    }
};

// Hides from scores of keys, `own` the warp's first, with queries what lies past the end, of queries, too: they are 0
// there, which times an infinite key is NaN. And keys in the future.
DEVICE void hide(Scores &scores, int own, int query, int time, bool causal) {
    HOT_LOOP
    for (int n = 0; n < STREAM / 8; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) {
            int key = own + fragment_row(e), at = query + fragment_column(n, e);
            if (max(key, at) >= time || (causal && key > at)) fragments(scores)[n][e] = -infinity();
        }
    }
}

// Scores become the queries' probabilities, of log-sum-exps in base 2.
DEVICE void weigh(Scores &scores, const float *log_sums, float scale) {
    HOT_LOOP
    for (int n = 0; n < STREAM / 8; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) {
            float &s = fragments(scores)[n][e];
            s = exp2_flushed(fmaf(s, scale, -log_sums[fragment_column(n, e)]));
        }
    }
}

// The probabilities' gradients become the scores'. Probabilities are taken as rounded: as numbers of their own they
// would be 64 registers more.
DEVICE void differentiate(Scores &d, const Weights &p, const float *deltas) {
    HOT_LOOP
    for (int n = 0; n < STREAM / 8; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) {
            unsigned pair = p[n / 2][n % 2 * 2 + e / 2];
            float &x = fragments(d)[n][e];
            x = to_float(Element{(unsigned short) (pair >> 16 * (e % 2))}) * (x - deltas[fragment_column(n, e)]);
        }
    }
}

// Lays a consumer's scores' gradients out in shared memory. The swizzle changes the number of a line's piece of 16
// bytes bit by bit, so that where the others go follows from where the first one does.
DEVICE void put_scores(Element *to, const Weights &d, int consumer) {
    int line = consumer * ROWS + threadIdx.x % GROUP / 32 * 16 + fragment_row(0);
    int first = anew(swizzled<128>((line * SCORE_LINE + fragment_column(0, 0)) * (int) sizeof(Element)));
    HOT_LOOP
    for (int n = 0; n < STREAM / 8; n++) {
        char *piece = (char *) (to + n / 8 * HELD * SCORE_LINE) + (first ^ n % 8 * 16);
        HOT_LOOP
        for (int e = 0; e < 4; e += 2) {
            *(unsigned *) (piece + 4 * e * SCORE_LINE * (int) sizeof(Element)) = d[n / 2][n % 2 * 2 + e / 2];
        }
    }
}

// Begins the products of the scores' gradients with the block's keys: a consumer's part of the queries' gradients.
DEVICE void begin_queries(Part &d_queries, const Element *d_scores, const Element *keys, int consumer) {
    const Element *left = d_scores + (BY_QUERIES ? consumer * HELD * SCORE_LINE : 0);
    const Element *right = keys + (BY_QUERIES ? 0 : consumer * ROWS * LINE);
    unsigned long long a = wgmma_descriptor<128>(left, 16), b = wgmma_descriptor<LINE_BYTES>(right, 16);
    wgmma_hold(d_queries);
    HOT_LOOP
    for (int k = 0; k < HELD; k += 16) {
        wgmma<Element, 1, 1>(d_queries, wgmma_further(a, k * 128),
                             wgmma_further(b, k / ROWS * OWN_TILE * (int) sizeof(Element) + k % ROWS * LINE_BYTES),
                             k > 0);
    }
    wgmma_commit();
    wgmma_hold(d_queries);
}
