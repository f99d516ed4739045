// What the backward pass of the rung wgmma works with: its shared memory, the order of its work, the queries that go by,
// and what becomes of a tile of scores. wgmma-backward.cu says how it goes.
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
static constexpr int SCORE_LINE = 64;
static constexpr int SCORE_TILE = HELD * STREAM;
static constexpr int BUFFERS = 2;

DEVICE int tiles_of(int time, int tile) { return (time + tile - 1) / tile; }

// A named barrier of both consumers.
static constexpr int BOTH = OWN + CONSUMERS;

// Shared memory: the block's keys and values, the ring, the scores' gradients, a tile of the queries', barriers, and of
// each buffer of the ring the queries' log-sum-exps, in base 2, and deltas.
struct Memory {
    Element *keys, *values, *d_scores;
    float *d_queries, *statistics;
    Pairs pairs;
    mbarrier *held_full, *scores_full, *scores_empty, *queries_full, *queries_empty;
    int *ticket;

    DEVICE Memory(Element *shared) {
        keys = shared;
        values = keys + CONSUMERS * OWN_TILE;
        Element *ring = values + CONSUMERS * OWN_TILE;
        d_scores = ring + STAGES * 2 * TILE;
        d_queries = (float *) (d_scores + BUFFERS * SCORE_TILE);
        statistics = d_queries + CONSUMERS * PART;
        mbarrier *barriers = (mbarrier *) (statistics + STAGES * 2 * STREAM);
        pairs = {ring, barriers, barriers + STAGES};
        held_full = barriers + 2 * STAGES;
        scores_full = held_full + 1;
        scores_empty = scores_full + BUFFERS;
        queries_full = scores_empty + BUFFERS;
        queries_empty = queries_full + 1;
        ticket = (int *) (queries_empty + 1);
    }
    DEVICE void initialize(unsigned *tickets) const {
        if (threadIdx.x == 0) {
            unsigned taken = atomicAdd(tickets, 1u);
            pairs.initialize();
            mbarrier_init(held_full, 1);
            for (int i = 0; i < BUFFERS; i++) {
                mbarrier_init(&scores_full[i], CONSUMERS * GROUP / 32);
                mbarrier_init(&scores_empty[i], CONSUMERS * GROUP / 32);
            }
            mbarrier_init(queries_full, CONSUMERS * GROUP / 32);
            mbarrier_init(queries_empty, 1);
            mbarrier_init_fence();
            *ticket = taken;
        }
        __syncthreads(); // barriers initialized, ticket taken
    }
    // Warps arrive once all their lanes have.
    DEVICE static void arrive(mbarrier *barrier) {
        __syncwarp();
        if (lane() == 0) mbarrier_arrive(barrier);
    }
};

// The work of a ticket: of a section of heads a key tile of each, then the next. A causal tile of queries is first seen
// by the block whose keys are its own, and by those of earlier keys so much later in their course; in that order parts
// are added, and blocks begin, so that even those that run side by side never wait. Only the last section begins, and
// adds, at the first keys: the longest blocks must not come last of all. Without a mask all begin at the first keys.
struct Work {
    Place place;
    bool rising;

    DEVICE Work(int ticket, int section, int units, int tiles, int kv_heads, bool causal) : place(0, 1, 1, 1, false) {
        int first = ticket / (section * tiles) * section, rest = ticket - first * tiles;
        int width = min(section, units - first), unit = first + rest % width;
        rising = !causal || first + width == units;
        place.sequence = unit / kv_heads;
        place.head = unit % kv_heads;
        place.first = (rising ? rest / width : tiles - 1 - rest / width) * HELD;
    }
};

// The queries that go by a block's keys: of all heads of the group, one head after the other.
struct Queries {
    int first, tiles, first_head, count;

    DEVICE Queries(const Place &place, const Heads &h, bool causal) {
        first = causal ? place.first : 0;
        tiles = tiles_of(h.time - first, STREAM);
        first_head = place.head * h.group();
        count = tiles * h.group();
    }
    DEVICE int position(int tile) const { return first + tile % tiles * STREAM; }
    DEVICE int head(int tile) const { return first_head + tile / tiles; }
};

// Hides from scores of keys, `own` the warp's first, with queries those keys that lie past the end or in the future.
DEVICE void hide(Scores &scores, int own, int query, int time, bool causal) {
    HOT_LOOP
    for (int n = 0; n < STREAM / 8; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) {
            int key = own + fragment_row(e);
            if (key >= time || (causal && key > query + fragment_column(n, e))) fragments(scores)[n][e] = -infinity();
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

// Lays a consumer's scores' gradients out in shared memory.
DEVICE void put_scores(Element *to, const Weights &d, int consumer) {
    int key = consumer * ROWS + threadIdx.x % GROUP / 32 * 16;
    HOT_LOOP
    for (int n = 0; n < STREAM / 8; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e += 2) {
            int query = fragment_column(n, e), line = key + fragment_row(e);
            char *panel = (char *) (to + query / SCORE_LINE * HELD * SCORE_LINE);
            *(unsigned *) (panel + swizzled<128>((line * SCORE_LINE + query % SCORE_LINE) * (int) sizeof(Element))) =
                    d[n / 2][n % 2 * 2 + e / 2];
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
