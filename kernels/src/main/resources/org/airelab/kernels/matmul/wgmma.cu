// Matrix product of half-precision operands on Hopper's tensor cores (wgmma). Over mma: a warp of a block, or a warp
// group, does nothing but have the Tensor Memory Accelerator fill a ring of STAGES pairs of tiles; the other warp
// groups, the consumers, each multiply 64 of the block's BM rows straight out of shared memory, two of them with the
// registers that the first gave up; and a block stays, computing one tile of C after the other: while one is written,
// the next one's operands arrive.
// What a warp computed goes through shared memory to a tensor map of C, and is written while the next tile is
// multiplied. The tiles that are left when each block has computed as many as the others are cut along k into slices,
// whose sums another kernel adds.
// 4096 x 4096 x 4096 of bfloat16 on an H100: 175 us (784 TFLOP/s), 608 by mma; cuBLAS 12.6 174 (benchmarks/
// reports/20261126-NVIDIA-H100, matmul-ladder).
// On an H100 in bfloat16, in us (cuBLAS 13 beside it): 512 x 512 x 512 3.97 (3.64), 8.39 with tiles of 128 x 256; 1024
// x 1024 x 1024 6.13 (5.93) and 13.20; 1536 x 1536 x 1536 14.81 (12.02) and 18.04; 4096 x 4096 x 4096, with those of
// 128 x 256, 217 (219). On an H200: 768 x 768 x 32768 641 TFLOP/s (647), 129 before the slices. kernels/docs/
// matmul-wgmma.md tells of all that was tried.
// Macros: BM, 64 or 128; BN, 64, 128, 192 or 256; STAGES; RESIDENT, blocks that a multiprocessor is to hold, 1 where BM
// is 128; C_MAPPED, whether C has a tensor map.
// Only for sm_90a. Operands whose rows are no multiples of 16 bytes have no tensor map: the rung mma takes those.
#include "hopper.cuh"
#include "mma-tiles.cuh"

const int BK = 64;
const int M = 64;
const int CONSUMERS = BM / M;
const int THREADS = CONSUMERS * 128 + (CONSUMERS > 1 ? 128 : 32);
// A lane's accumulators are PIECES of 16, each for 32 columns.
const int PIECES = BN / 32;

// Both operands are copied in panels of 64 x 64 elements, 8 KiB: 64 lines of 128 bytes, the widest that a swizzle of
// 128 bytes takes. Lines along k hold 64 rows of m or n; lines along m or n, 64 elements along k.
const int PANEL = 64 * 64;
const int A_PANELS = BM / 64;
const int B_PANELS = BN / 64;
const int STAGE = (A_PANELS + B_PANELS) * PANEL;
const int STAGE_BYTES = STAGE * (int) sizeof(ELEMENT);

// What a warp has to write its rows from: STRIPS times 16 x 64 elements as a map of C takes them, or else a slab.
const int STRIP = 16 * 64;
const int STRIPS = BN % 128 == 0 ? 2 : BN / 64;
const int STAGING = (BN == 64 ? 2 : STRIPS) * STRIP;

// Registers: with two consumers, 384 threads are launched with 168 each (65536 / 384, in steps of 8), 64512 in all, and
// 40 x 128 + 232 x 256 are as many: what the producer gives up is what the consumers wait for. With one, all have as
// many as that consumer needs.
const int PRODUCER_REGISTERS = 40;
const int CONSUMER_REGISTERS = 232;

static_assert(CONSUMERS == 1 || RESIDENT == 1, "two consumers take all registers");
static_assert(SLAB * sizeof(float) <= STAGING * sizeof(ELEMENT), "a slab lies where the strips do");

// What is to be done: first `whole` tiles, then the rest, each in `slices` units.
struct Work {
    int m, n, k, whole, slices;
    DEVICE int tiles_m() const { return (m + BM - 1) / BM; }
    DEVICE int tiles_n() const { return (n + BN - 1) / BN; }
    DEVICE int rest() const { return tiles_m() * tiles_n() - whole; }
    DEVICE int units() const { return whole + rest() * slices; }
};

// A unit: its tile begins at (i, j); of the steps of BK along k, those from `first` to `end`. Slices are numbered; what
// is whole has -1.
struct Unit { int i, j, slice, first, end; };
DEVICE Unit locate_unit(const Work &work, int index) {
    int steps = (work.k + BK - 1) / BK;
    int slice = index - work.whole;
    int tile = slice < 0 ? index : work.whole + slice % work.rest();
    int part = slice < 0 ? 0 : slice / work.rest();
    int parts = slice < 0 ? 1 : work.slices;
    int row, column;
    locate_tile(tile, work.tiles_m(), work.tiles_n(), row, column);
    return {row * BM, column * BN, slice < 0 ? -1 : slice, steps * part / parts, steps * (part + 1) / parts};
}

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
                    const Work &work) {
    Ring<STAGES> ring = {0, 1}; // the stages of a new ring are empty
    for (int index = blockIdx.x; index < work.units(); index += gridDim.x) {
        Unit unit = locate_unit(work, index);
        for (int step = unit.first; step < unit.end; step++) {
            mbarrier_wait(&empty[ring.stage], ring.parity);
            mbarrier_arrive_expect(&full[ring.stage], STAGE_BYTES);
            ELEMENT *a_panels = stages + ring.stage * STAGE;
            ELEMENT *b_panels = a_panels + A_PANELS * PANEL;
            load_panels<A_K_CONTIGUOUS, A_PANELS>(a_panels, a_map, unit.i, step * BK, &full[ring.stage]);
            load_panels<B_K_CONTIGUOUS, B_PANELS>(b_panels, b_map, unit.j, step * BK, &full[ring.stage]);
            ring.advance();
        }
    }
}

// Multiplies one warp group's part of a unit. A stage is given back once the products of the next one have begun: at
// most one group of products is then under way, so those that read it are over.
DEVICE void multiply(float (&sum)[PIECES][4][4], const ELEMENT *stages, mbarrier *full, mbarrier *empty,
                     Ring<STAGES> &ring, int consumer, int steps) {
    bool arrives = threadIdx.x % 32 == 0;
    int last = 0;
    for (int step = 0; step < steps; step++) {
        mbarrier_wait(&full[ring.stage], ring.parity);
        const ELEMENT *a_panels = stages + ring.stage * STAGE + consumer * (M / 64) * PANEL;
        const ELEMENT *b_panels = stages + ring.stage * STAGE + A_PANELS * PANEL;
        wgmma_hold(sum);
        wgmma_fence();
        HOT_LOOP
        for (int q = 0; q < BK; q += 16) {
            wgmma<ELEMENT, !A_K_CONTIGUOUS, !B_K_CONTIGUOUS>(
                    sum, operand<A_K_CONTIGUOUS>(a_panels, q), operand<B_K_CONTIGUOUS>(b_panels, q), step + q != 0);
        }
        wgmma_commit();
        wgmma_hold(sum);
        wgmma_wait<1>();
        if (step > 0 && arrives) mbarrier_arrive(&empty[last]);
        last = ring.stage;
        ring.advance();
    }
    wgmma_wait<0>();
    wgmma_hold(sum);
    if (arrives) mbarrier_arrive(&empty[last]);
}

// Two neighbours of a row.
struct alignas(4) Pair { ELEMENT element[2]; };

// Ends the lane's two elements at (i, j), rounded into one register. Where C has a map, n is even. PLAIN: nothing is
// added, which leaves a fifth of the code.
template <bool PLAIN>
DEVICE unsigned finish_pair(float low, float high, int i, int j, const ELEMENT *c, const ELEMENT *bias, int m, int n,
                            float alpha, float beta) {
    if (PLAIN) return pack<ELEMENT>(EPILOGUE(alpha * low), EPILOGUE(alpha * high));
    Pair old = {};
    Pair added = {};
    if (beta != 0.0f && i < m && j < n) old = *(const Pair *) (c + (size_t) i * n + j);
    if (bias != nullptr && j < n) added = {bias[j], bias[j + 1]};
    return pack<ELEMENT>(finish(low, &old.element[0], &added.element[0], alpha, beta),
                         finish(high, &old.element[1], &added.element[1], alpha, beta));
}

// Writes 16 rows of a tile from (i, j) on, STRIPS strips of 64 columns at a time. The 16-byte pieces that 8 lines write
// at once are, swizzled, in different banks.
template <bool PLAIN>
DEVICE void store_rows(ELEMENT *staging, const float (&sum)[PIECES][4][4], const tensor_map *c_map, int i, int j,
                       const ELEMENT *c, const ELEMENT *bias, int m, int n, float alpha, float beta) {
    int lane = threadIdx.x % 32;
    HOT_LOOP
    for (int half = 0; half < BN / 64; half += STRIPS) {
        if (lane == 0) tma_store_wait();
        __syncwarp(); // the copies before have read the strips
        HOT_LOOP
        for (int tile = 0; tile < 8 * STRIPS; tile++) { // of 8 columns
            const float (&d)[4] = sum[half * 2 + tile / 4][tile % 4];
            int column = j + half * 64 + tile * 8 + lane % 4 * 2;
            int row = i + lane / 4;
            char *to = (char *) (staging + tile / 8 * STRIP) + swizzled<128>(lane / 4 * 128 + tile % 8 * 16);
            unsigned *pair = (unsigned *) to + lane % 4;
            pair[0] = finish_pair<PLAIN>(d[0], d[1], row, column, c, bias, m, n, alpha, beta);
            pair[8 * 32] = finish_pair<PLAIN>(d[2], d[3], row + 8, column, c, bias, m, n, alpha, beta);
        }
        async_proxy_fence();
        __syncwarp(); // the strips are written
        if (lane != 0) continue;
        HOT_LOOP
        for (int strip = 0; strip < STRIPS; strip++) {
            tma_store(c_map, staging + strip * STRIP, j + (half + strip) * 64, i);
        }
    }
}

// Where a slice keeps the four sums that a lane has of a tile of 8 columns: a tile of C as its warps hold it.
DEVICE float4 *kept(float *slices, int slice, int consumer, int tile, int thread) {
    return (float4 *) slices + (((size_t) slice * CONSUMERS + consumer) * (BN / 8) + tile) * 128 + thread;
}

// A consumer: one warp group.
DEVICE void consume(const ELEMENT *stages, ELEMENT *staging, mbarrier *full, mbarrier *empty, int consumer,
                    const tensor_map *c_map, const ELEMENT *bias, ELEMENT *c, float *slices, const Work &work,
                    float alpha, float beta) {
    bool aligned = is_aligned(c, work.n);
    Ring<STAGES> ring = {0, 0};
    float sum[PIECES][4][4] = {}; // without a value ptxas 12 serializes the products
    for (int index = blockIdx.x; index < work.units(); index += gridDim.x) {
        Unit unit = locate_unit(work, index);
        multiply(sum, stages, full, empty, ring, consumer, unit.end - unit.first);
        int i = unit.i + consumer * M + threadIdx.x % 128 / 32 * 16;
        if (unit.slice >= 0) {
            HOT_LOOP
            for (int tile = 0; tile < BN / 8; tile++) {
                const float (&d)[4] = sum[tile / 4][tile % 4];
                *kept(slices, unit.slice, consumer, tile, threadIdx.x % 128) = make_float4(d[0], d[1], d[2], d[3]);
            }
        } else if (C_MAPPED) {
            if (beta == 0.0f && bias == nullptr) {
                store_rows<true>(staging, sum, c_map, i, unit.j, c, bias, work.m, work.n, alpha, beta);
            } else {
                store_rows<false>(staging, sum, c_map, i, unit.j, c, bias, work.m, work.n, alpha, beta);
            }
        } else {
            HOT_LOOP
            for (int piece = 0; piece < PIECES; piece++) {
                write_rows((float *) staging, sum[piece], i, unit.j + piece * 32, c, bias, work.m, work.n, alpha, beta,
                           aligned);
            }
        }
    }
    if (C_MAPPED && threadIdx.x % 32 == 0) tma_store_wait();
}

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT)
matmul_wgmma(const __grid_constant__ tensor_map a_map, const __grid_constant__ tensor_map b_map,
             const __grid_constant__ tensor_map c_map, const ELEMENT *__restrict__ bias, ELEMENT *__restrict__ c,
             float *__restrict__ slices, int m, int n, int k, int whole, int slice_count, float alpha, float beta) {
    // The ring, whose panels begin at multiples of 1024 bytes, as do the strips of each consuming warp; the barriers.
    DYNAMIC_SHARED(ELEMENT, stages);
    ELEMENT *staging = stages + STAGES * STAGE;
    mbarrier *full = (mbarrier *) (staging + CONSUMERS * 4 * STAGING);
    mbarrier *empty = full + STAGES;
    if (threadIdx.x == 0) {
        tma_prefetch_map(&a_map);
        tma_prefetch_map(&b_map);
        for (int stage = 0; stage < STAGES; stage++) {
            mbarrier_init(&full[stage], 1);
            mbarrier_init(&empty[stage], CONSUMERS * 4); // a lane of each warp, when the warp's own products are over
        }
        mbarrier_init_fence();
    }
    __syncthreads();
    Work work = {m, n, k, whole, slice_count};
    int consumer = threadIdx.x / 128;
    if (consumer == CONSUMERS) {
        if (CONSUMERS > 1) release_registers<PRODUCER_REGISTERS>();
        if (threadIdx.x % 128 == 0) produce(stages, full, empty, &a_map, &b_map, work);
    } else {
        if (CONSUMERS > 1) claim_registers<CONSUMER_REGISTERS>();
        ELEMENT *mine = staging + threadIdx.x / 32 * STAGING;
        consume(stages, mine, full, empty, consumer, &c_map, bias, c, slices, work, alpha, beta);
    }
}

// Adds the slices in their order, and ends the product: a thread for the four sums of a lane, a block for two tiles of
// 8 columns of a warp group.
extern "C" __global__ void __launch_bounds__(256)
matmul_wgmma_sum(float *__restrict__ slices, const ELEMENT *__restrict__ bias, ELEMENT *__restrict__ c, int m, int n,
                 int k, int whole, int slice_count, float alpha, float beta) {
    const int BLOCKS = BN / 16;
    Work work = {m, n, k, whole, slice_count};
    int tile = blockIdx.x % BLOCKS * 2 + threadIdx.x / 128;
    int consumer = blockIdx.x / BLOCKS % CONSUMERS;
    int first = blockIdx.x / (BLOCKS * CONSUMERS);
    int thread = threadIdx.x % 128;
    float4 sum = make_float4(0, 0, 0, 0);
    for (int slice = 0; slice < slice_count; slice++) {
        float4 more = *kept(slices, first + slice * work.rest(), consumer, tile, thread);
        sum = make_float4(sum.x + more.x, sum.y + more.y, sum.z + more.z, sum.w + more.w);
    }
    Unit unit = locate_unit(work, whole + first);
    int i = unit.i + consumer * M + thread / 32 * 16 + thread % 32 / 4;
    int j = unit.j + tile * 8 + thread % 4 * 2;
    write_element(sum.x, i, j, c, bias, m, n, alpha, beta);
    write_element(sum.y, i, j + 1, c, bias, m, n, alpha, beta);
    write_element(sum.z, i + 8, j, c, bias, m, n, alpha, beta);
    write_element(sum.w, i + 8, j + 1, c, bias, m, n, alpha, beta);
}
