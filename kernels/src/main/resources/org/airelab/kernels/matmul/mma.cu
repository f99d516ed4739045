// Matrix product of half-precision operands on tensor cores (mma.sync), accumulated in float32. Over naive: a warp
// multiplies fragments of 16 x 16 and 16 x 8 by one instruction; ldmatrix loads them from tiles whose 16-byte chunks
// are permuted so that no bank is hit twice; and a pipeline of STAGES pairs of tiles, filled by cp.async, hides the
// latency of global memory. Transposed operands keep their order in shared memory; ldmatrix transposes them. On an
// NVIDIA H100, bfloat16, 4096 x 4096 x 4096: 0.608 ms, 226 TFLOP/s (naive 275 ms).
// Macros: WM x WN, what a warp computes of the block's tile, and STAGES.
#include "mma-tiles.cuh"

const int BK = 32;
const int WARPS_N = BN / WN;
const int THREADS = BM / WM * WARPS_N * 32;
const int STAGE = (BM + BN) * BK;

// Index of a chunk's first element in a tile with lines of CHUNKS chunks. ldmatrix reads the same chunk of 8
// neighbouring lines: in 8 different places modulo 128 bytes.
template <int CHUNKS> DEVICE int place(int line, int chunk) {
    int flip = CHUNKS >= 8 ? line % 8 : line / (8 / CHUNKS) % CHUNKS;
    return (line * CHUNKS + (chunk ^ flip)) * 8;
}

// Eight neighbours of which `inside` are there, one by one; the others become zeros.
DEVICE uint4 gather(const ELEMENT *from, int inside) {
    unsigned word[4];
    HOT_LOOP
    for (int q = 0; q < 4; q++) {
        unsigned low = 2 * q < inside ? from[2 * q].bits : 0;
        unsigned high = 2 * q + 1 < inside ? from[2 * q + 1].bits : 0;
        word[q] = low | high << 16;
    }
    return make_uint4(word[0], word[1], word[2], word[3]);
}

// Begins to copy a tile of an operand: lines as they lie in memory, ROWS along m or n by BK along k. An operand whose
// lines are not `aligned` to 16 bytes is copied through registers, at once.
template <bool K_CONTIGUOUS, int ROWS>
DEVICE void begin_tile(ELEMENT *tile, const ELEMENT *matrix, int first_row, int first_p, int rows, int k,
                       bool aligned) {
    const int LINES = K_CONTIGUOUS ? ROWS : BK;
    const int CHUNKS = (K_CONTIGUOUS ? BK : ROWS) / 8;
    int lines = K_CONTIGUOUS ? rows : k;
    int width = K_CONTIGUOUS ? k : rows;
    int first_line = K_CONTIGUOUS ? first_row : first_p;
    int chunk = threadIdx.x % CHUNKS;
    int column = (K_CONTIGUOUS ? first_p : first_row) + chunk * 8;
    HOT_LOOP
    for (int y = threadIdx.x / CHUNKS; y < LINES; y += THREADS / CHUNKS) {
        int inside = first_line + y < lines ? width - column : 0;
        const ELEMENT *from = inside > 0 ? matrix + (size_t) (first_line + y) * width + column : matrix;
        ELEMENT *to = tile + place<CHUNKS>(y, chunk);
        if (aligned) cp_async_16(to, from, inside > 0);
        else *(uint4 *) to = gather(from, inside);
    }
}

// Loads four 8 x 8 matrices at 16 rows and 16 elements along k, in the order of the lanes' `row_half` and `p_half`.
template <bool K_CONTIGUOUS, int ROWS>
DEVICE void load_fragments(unsigned (&r)[4], const ELEMENT *tile, int row, int p, int row_half, int p_half) {
    int within = threadIdx.x % 8;
    int first_row = row + 8 * row_half;
    int first_p = p + 8 * p_half;
    if (K_CONTIGUOUS) ldmatrix_x4(r, tile + place<BK / 8>(first_row + within, first_p / 8));
    else ldmatrix_x4_trans(r, tile + place<ROWS / 8>(first_p + within, first_row / 8));
}

extern "C" __global__ void __launch_bounds__(THREADS) matmul_mma(PARAMETERS) {
    DYNAMIC_SHARED(ELEMENT, stages);
    int tile_m, tile_n;
    locate_tile(blockIdx.x, (m + BM - 1) / BM, (n + BN - 1) / BN, tile_m, tile_n);
    int first_i = tile_m * BM;
    int first_j = tile_n * BN;
    int warp = threadIdx.x / 32;
    int warp_i = warp / WARPS_N * WM;
    int warp_j = warp % WARPS_N * WN;
    int low = threadIdx.x / 8 % 2;
    int high = threadIdx.x / 16 % 2;
    bool a_aligned = is_aligned<A_K_CONTIGUOUS>(a, m, k);
    bool b_aligned = is_aligned<B_K_CONTIGUOUS>(b, n, k);
    int steps = (k + BK - 1) / BK;
    float sum[WM / 16][WN / 32][4][4] = {};

    HOT_LOOP
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < steps) {
            begin_tile<A_K_CONTIGUOUS, BM>(stages + s * STAGE, a, first_i, s * BK, m, k, a_aligned);
            begin_tile<B_K_CONTIGUOUS, BN>(stages + s * STAGE + BM * BK, b, first_j, s * BK, n, k, b_aligned);
        }
        cp_async_commit();
    }
    for (int step = 0; step < steps; step++) {
        cp_async_wait<STAGES - 2>();
        __syncthreads(); // this stage is there for all, and nobody reads the last one any more
        int ahead = step + STAGES - 1;
        if (ahead < steps) {
            ELEMENT *filled = stages + ahead % STAGES * STAGE;
            begin_tile<A_K_CONTIGUOUS, BM>(filled, a, first_i, ahead * BK, m, k, a_aligned);
            begin_tile<B_K_CONTIGUOUS, BN>(filled + BM * BK, b, first_j, ahead * BK, n, k, b_aligned);
        }
        cp_async_commit();
        const ELEMENT *a_tile = stages + step % STAGES * STAGE;
        const ELEMENT *b_tile = a_tile + BM * BK;
        HOT_LOOP
        for (int p = 0; p < BK; p += 16) {
            // The registers of A's fragment go through its rows first, those of two of B's along k first.
            unsigned a_fragment[WM / 16][4];
            unsigned b_fragment[WN / 16][4];
            HOT_LOOP
            for (int y = 0; y < WM / 16; y++) {
                load_fragments<A_K_CONTIGUOUS, BM>(a_fragment[y], a_tile, warp_i + 16 * y, p, low, high);
            }
            HOT_LOOP
            for (int x = 0; x < WN / 16; x++) {
                load_fragments<B_K_CONTIGUOUS, BN>(b_fragment[x], b_tile, warp_j + 16 * x, p, high, low);
            }
            HOT_LOOP
            for (int y = 0; y < WM / 16; y++) {
                HOT_LOOP
                for (int x = 0; x < WN / 8; x++) {
                    const unsigned pair[2] = {b_fragment[x / 2][x % 2 * 2], b_fragment[x / 2][x % 2 * 2 + 1]};
                    mma_m16n8k16<ELEMENT>(sum[y][x / 4][x % 4], a_fragment[y], pair);
                }
            }
        }
    }
    __syncthreads(); // from here on the stages' memory is the warps' slabs

    float *slab = (float *) stages + warp * SLAB;
    bool c_aligned = is_aligned(c, n);
    HOT_LOOP
    for (int y = 0; y < WM / 16; y++) {
        HOT_LOOP
        for (int x = 0; x < WN / 32; x++) {
            write_rows(slab, sum[y][x], first_i + warp_i + 16 * y, first_j + warp_j + 32 * x, c, bias, m, n,
                       alpha, beta, c_aligned);
        }
    }
}
