// Matrix product of half-precision operands on Hopper's tensor cores (wgmma). Over mma: one warp group of a block does
// nothing but have the Tensor Memory Accelerator fill a ring of STAGES pairs of tiles; the other two each multiply 64 x
// 256 of the block's 128 x 256 elements straight out of shared memory, with the registers that the first gave up; and a
// block stays, computing one tile of C after the other: while one is written, the next one's operands arrive.
// Only for sm_90a. Operands whose rows are no multiples of 16 bytes have no tensor map: the rung mma takes those.
#include "hopper.cuh"
#include "mma-tiles.cuh"

const int BK = 64;
const int STAGES = 4;
const int CONSUMERS = 2;
const int THREADS = (1 + CONSUMERS) * 128;
const int M = BM / CONSUMERS;

// Both operands are copied in panels of 64 x 64 elements, 8 KiB: 64 lines of 128 bytes, the widest that a swizzle of
// 128 bytes takes. Lines along k hold 64 rows of m or n; lines along m or n, 64 elements along k.
const int PANEL = 64 * 64;
const int A_PANELS = BM / 64;
const int B_PANELS = BN / 64;
const int STAGE = (A_PANELS + B_PANELS) * PANEL;
const int STAGE_BYTES = STAGE * (int) sizeof(ELEMENT);

// Registers: 384 threads are launched with 168 each (65536 / 384, in steps of 8), 64512 in all, and 24 x 128 + 240 x
// 256 are as many: what the producer gives up is what the consumers wait for.
const int PRODUCER_REGISTERS = 24;
const int CONSUMER_REGISTERS = 240;

static_assert(BM == 128 && BN == 256, "a warp group's accumulators are 64 x 256");

// Begins to copy an operand's panels at the row and k given. In its map, x runs along a line and y over the lines.
template <bool K_CONTIGUOUS, int PANELS>
DEVICE void load_panels(ELEMENT *to, const tensor_map *map, int row, int p, mbarrier *full) {
    HOT_LOOP
    for (int panel = 0; panel < PANELS; panel++) {
        int panel_row = row + 64 * panel;
        tma_load(to + panel * PANEL, map, K_CONTIGUOUS ? p : panel_row, K_CONTIGUOUS ? panel_row : p, full);
    }
}

// Descriptor of an operand at the k given within a stage. Along k, 16 elements are 32 bytes of each line or 16 lines.
template <bool K_CONTIGUOUS> DEVICE unsigned long long operand(const ELEMENT *panels, int p) {
    const int PANEL_BYTES = PANEL * (int) sizeof(ELEMENT);
    return wgmma_descriptor<128>(panels + (K_CONTIGUOUS ? p : p * 64), K_CONTIGUOUS ? 16 : PANEL_BYTES);
}

// The producer: one thread.
DEVICE void produce(ELEMENT *stages, mbarrier *full, mbarrier *empty, const tensor_map *a_map, const tensor_map *b_map,
                    int m, int n, int k) {
    int tiles_m = (m + BM - 1) / BM;
    int tiles_n = (n + BN - 1) / BN;
    Ring<STAGES> ring = {0, 1}; // the stages of a new ring are empty
    for (int tile = blockIdx.x; tile < tiles_m * tiles_n; tile += gridDim.x) {
        int tile_m, tile_n;
        locate_tile(tile, tiles_m, tiles_n, tile_m, tile_n);
        for (int p = 0; p < k; p += BK) {
            mbarrier_wait(&empty[ring.stage], ring.parity);
            mbarrier_arrive_expect(&full[ring.stage], STAGE_BYTES);
            ELEMENT *a_panels = stages + ring.stage * STAGE;
            ELEMENT *b_panels = a_panels + A_PANELS * PANEL;
            load_panels<A_K_CONTIGUOUS, A_PANELS>(a_panels, a_map, tile_m * BM, p, &full[ring.stage]);
            load_panels<B_K_CONTIGUOUS, B_PANELS>(b_panels, b_map, tile_n * BN, p, &full[ring.stage]);
            ring.advance();
        }
    }
}

// Multiplies one warp group's part of a tile. A stage is given back once the products of the next one have begun: at
// most one group of products is then under way, so those that read it are over.
DEVICE void multiply(float (&sum)[8][4][4], const ELEMENT *stages, mbarrier *full, mbarrier *empty, Ring<STAGES> &ring,
                     int consumer, int k) {
    bool arrives = threadIdx.x % 32 == 0;
    int last = 0;
    for (int p = 0; p < k; p += BK) {
        mbarrier_wait(&full[ring.stage], ring.parity);
        const ELEMENT *a_panels = stages + ring.stage * STAGE + consumer * (M / 64) * PANEL;
        const ELEMENT *b_panels = stages + ring.stage * STAGE + A_PANELS * PANEL;
        wgmma_hold(sum);
        wgmma_fence();
        HOT_LOOP
        for (int q = 0; q < BK; q += 16) {
            wgmma<ELEMENT, !A_K_CONTIGUOUS, !B_K_CONTIGUOUS>(
                    sum, operand<A_K_CONTIGUOUS>(a_panels, q), operand<B_K_CONTIGUOUS>(b_panels, q), p + q != 0);
        }
        wgmma_commit();
        wgmma_hold(sum);
        wgmma_wait<1>();
        if (p > 0 && arrives) mbarrier_arrive(&empty[last]);
        last = ring.stage;
        ring.advance();
    }
    wgmma_wait<0>();
    wgmma_hold(sum);
    if (arrives) mbarrier_arrive(&empty[last]);
}

// A consumer: one of two warp groups.
DEVICE void consume(const ELEMENT *stages, float *slab, mbarrier *full, mbarrier *empty, int consumer,
                    const ELEMENT *bias, ELEMENT *c, int m, int n, int k, float alpha, float beta) {
    int tiles_m = (m + BM - 1) / BM;
    int tiles_n = (n + BN - 1) / BN;
    bool aligned = is_aligned(c, n);
    Ring<STAGES> ring = {0, 0};
    float sum[8][4][4];
    for (int tile = blockIdx.x; tile < tiles_m * tiles_n; tile += gridDim.x) {
        multiply(sum, stages, full, empty, ring, consumer, k);
        int tile_m, tile_n;
        locate_tile(tile, tiles_m, tiles_n, tile_m, tile_n);
        int i = tile_m * BM + consumer * M + threadIdx.x % 128 / 32 * 16;
        HOT_LOOP
        for (int piece = 0; piece < 8; piece++) {
            write_rows(slab, sum[piece], i, tile_n * BN + piece * 32, c, bias, m, n, alpha, beta, aligned);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_wgmma(const __grid_constant__ tensor_map a_map, const __grid_constant__ tensor_map b_map,
             const ELEMENT *__restrict__ bias, ELEMENT *__restrict__ c, int m, int n, int k, float alpha, float beta) {
    // The ring, whose panels begin at multiples of 1024 bytes; a slab for each consuming warp; the barriers.
    DYNAMIC_SHARED(ELEMENT, stages);
    float *slabs = (float *) (stages + STAGES * STAGE);
    mbarrier *full = (mbarrier *) (slabs + CONSUMERS * 4 * SLAB);
    mbarrier *empty = full + STAGES;
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < STAGES; stage++) {
            mbarrier_init(&full[stage], 1);
            mbarrier_init(&empty[stage], CONSUMERS * 4); // a lane of each warp, when the warp's own products are over
        }
        mbarrier_init_fence();
    }
    __syncthreads();
    int group = threadIdx.x / 128;
    if (group == 0) {
        release_registers<PRODUCER_REGISTERS>();
        if (threadIdx.x == 0) {
            tma_prefetch_map(&a_map);
            tma_prefetch_map(&b_map);
            produce(stages, full, empty, &a_map, &b_map, m, n, k);
        }
    } else {
        claim_registers<CONSUMER_REGISTERS>();
        int consumer = group - 1;
        float *slab = slabs + (threadIdx.x / 32 - 4) * SLAB;
        consume(stages, slab, full, empty, consumer, bias, c, m, n, k, alpha, beta);
    }
}
