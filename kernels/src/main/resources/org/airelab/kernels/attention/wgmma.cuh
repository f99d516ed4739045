// Tiles in shared memory and products of warp groups for the rung wgmma. The first of a block's warp groups gives up
// its registers and asks for tiles; the others, the consumers, have 64 positions each of the tile that the block holds.
//
// Where wgmma finds what (hopper.cuh has the rules): a tile lies in panels of LINE columns, each a column of lines of
// LINE elements, one a position. Where the head is summed over, as in the products of queries and keys, tiles are
// K-major: 16 elements further along k are 32 bytes further in the line, or after LINE elements in the next panel.
// Where positions are summed over, as in those of probabilities and values, a tile is the right factor with its lines
// along n, the head: MN-major. The next 16 of k, positions, are 16 lines further; the next LINE of n lie a panel
// further, which is the leading offset; the stride, from 8 positions to the next 8, is 8 lines.
// The tensor maps have the dimensions [headSize, heads, time, batch]: columns past the head are zeros without being
// read from a neighbour, and so are positions past the end of a sequence; neither is written.
// Macros: ELEMENT, f16 or bf16; HEAD_SIZE; LINE, 32 for heads to 32, else 64; STREAM, positions of the tiles that go
// by, a multiple of 64; STAGES of the rings that these are in; CONSUMERS of a block; BLOCKS on a multiprocessor.
#pragma once
#include "fragments.cuh"
#include "hopper.cuh"

static constexpr int GROUP = 128;
static constexpr int THREADS = (1 + CONSUMERS) * GROUP;
static constexpr int ROWS = 64; // positions of a consumer, and of one copy
static constexpr int HELD = CONSUMERS * ROWS;

static constexpr int LINE_BYTES = LINE * (int) sizeof(Element);
static constexpr int PANELS = (HEAD_SIZE + LINE - 1) / LINE;
// Columns that products go over: as sums, whole panels; along k, whole steps of 16.
static constexpr int WIDTH = PANELS * LINE;
static constexpr int DEPTH = (HEAD_SIZE + 15) / 16 * 16;
// Elements of a consumer's tile and of one that goes by.
static constexpr int OWN_TILE = ROWS * WIDTH;
static constexpr int TILE = STREAM * WIDTH;

// Registers: as many as BLOCKS leave a thread at its launch, in eights, redistributed: of two consumers in one block
// 168, then 24 and 2 x 240 a group's lane; of one consumer in each of three blocks 80, then 24 and 136.
static constexpr int PRODUCER_REGISTERS = 24;
static constexpr int CONSUMER_REGISTERS =
    (65536 / (THREADS * BLOCKS) / 8 * 8 * (1 + CONSUMERS) - PRODUCER_REGISTERS) / CONSUMERS / 8 * 8;

// Named barriers: whose turn it is to begin products, and one for each consumer by itself.
static constexpr int TURN = 1;
static constexpr int OWN = TURN + CONSUMERS;

// What all lanes have alike, so that the compiler knows it: what follows from it, such as operands' descriptors, it
// then keeps in registers of the warp, where wgmma wants them.
DEVICE int uniform(int x) { return __shfl_sync(0xffffffffu, x, 0); }

// A number of which the compiler does not know that it is what it was: what follows from it is computed where it is
// needed, not before a loop, all through which it would take registers that accumulators leave too few of.
DEVICE int anew(int x) {
    asm volatile("" : "+r"(x));
    return x;
}

// A ring of buffers of SIZE elements: full when what they are for has come, empty when all warps of both consumers are
// done with it.
template <int SIZE> struct Buffers {
    Element *buffers;
    mbarrier *full, *empty;

    DEVICE void initialize() const {
        for (int stage = 0; stage < STAGES; stage++) {
            mbarrier_init(&full[stage], 1);
            mbarrier_init(&empty[stage], CONSUMERS * GROUP / 32);
        }
    }
    DEVICE Element *at(const Ring<STAGES> &ring) const { return buffers + ring.stage * SIZE; }
    DEVICE void wait(const Ring<STAGES> &ring) const { mbarrier_wait(&full[ring.stage], ring.parity); }
    DEVICE void wait_empty(const Ring<STAGES> &ring) const { mbarrier_wait(&empty[ring.stage], ring.parity); }
    // Of `more` bytes, too, that go elsewhere.
    DEVICE void expect(const Ring<STAGES> &ring, int more = 0) const {
        mbarrier_arrive_expect(&full[ring.stage], SIZE * (int) sizeof(Element) + more);
    }
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
        for (int row = 0; row < COUNT; row += ROWS) {
            tma_load(tile + (panel * COUNT + row) * LINE, map, panel * LINE, head, position + row, sequence, full);
        }
    }
}

// The same for the tile that the block holds, a tile for each consumer.
DEVICE void load_held(Element *tiles, const tensor_map *map, int head, int position, int sequence, mbarrier *full) {
    for (int i = 0; i < CONSUMERS; i++) {
        load_tile<ROWS>(tiles + i * OWN_TILE, map, head, position + i * ROWS, sequence, full);
    }
}

typedef float Scores[STREAM / 32][4][4];
typedef unsigned Weights[STREAM / 16][4];
typedef float Sums[WIDTH / 32][4][4];

// The quarters of accumulators are fragments as those of mma.
template <int P> DEVICE float (&fragments(float (&d)[P][4][4]))[4 * P][4] {
    return reinterpret_cast<float (&)[4 * P][4]>(d);
}

// Begins the products of a consumer's rows with those of a tile that goes by.
DEVICE void begin_scores(Scores &s, const Element *own, const Element *tile) {
    unsigned long long a = wgmma_descriptor<LINE_BYTES>(own, 16), b = wgmma_descriptor<LINE_BYTES>(tile, 16);
    wgmma_hold(s);
    HOT_LOOP
    for (int k = 0; k < DEPTH; k += 16) {
        wgmma<Element, 0, 0>(s, wgmma_further(a, k / LINE * ROWS * LINE_BYTES + k % LINE * (int) sizeof(Element)),
                             wgmma_further(b, k / LINE * STREAM * LINE_BYTES + k % LINE * (int) sizeof(Element)),
                             k > 0);
    }
    wgmma_commit();
    wgmma_hold(s);
}

// Begins to add the rows of a tile, weighted.
DEVICE void begin_sums(Sums &sums, const Weights &weights, const Element *tile) {
    unsigned long long b = wgmma_descriptor<LINE_BYTES>(tile, STREAM * LINE_BYTES);
    wgmma_hold(sums);
    HOT_LOOP
    for (int k = 0; k < STREAM; k += 16) {
        wgmma<Element, 1>(sums, weights[k / 16], wgmma_further(b, k * LINE_BYTES), true);
    }
    wgmma_commit();
    wgmma_hold(sums);
}

DEVICE void round_weights(Weights &weights, const Scores &s) {
    HOT_LOOP
    for (int k = 0; k < STREAM / 16; k++) {
        HOT_LOOP
        for (int i = 0; i < 4; i++) {
            const float (&quarter)[4] = s[k / 2][k % 2 * 2 + i / 2];
            weights[k][i] = pack<Element>(quarter[i % 2 * 2], quarter[i % 2 * 2 + 1]);
        }
    }
}

// Writes a consumer's sums, whole panels, over one of its tiles and from there to the tensor, each warp sixteen rows.
template <int P>
DEVICE void store_rows(const float (&sums)[P][4][4], Element *tile, const tensor_map *to, int consumer, int head,
                       int first_panel, int position, int sequence) {
    int warp_row = threadIdx.x % GROUP / 32 * 16;
    barrier_sync(OWN + consumer, GROUP); // tile read by all warps of the consumer
    HOT_LOOP
    for (int n = 0; n < 4 * P; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e += 2) {
            int column = fragment_column(n, e), row = warp_row + fragment_row(e);
            char *panel = (char *) (tile + column / LINE * ROWS * LINE);
            const float (&quarter)[4] = sums[n / 4][n % 4];
            *(unsigned *) (panel + swizzled<LINE_BYTES>((row * LINE + column % LINE) * (int) sizeof(Element))) =
                    pack<Element>(quarter[e], quarter[e + 1]);
        }
    }
    async_proxy_fence();
    __syncwarp(); // rounded rows written
    if (lane() == 0) {
        HOT_LOOP
        for (int panel = 0; panel < 32 * P / LINE; panel++) {
            tma_store(to, tile + (panel * ROWS + warp_row) * LINE, (first_panel + panel) * LINE, head,
                      position + warp_row, sequence);
        }
        tma_store_wait();
    }
}
