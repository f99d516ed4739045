// Matrix product, values prefetched. Over pipelined: a warp computes 64 x 64 elements of C and a lane 8 x 16, so that
// the 24 values it reads from shared memory serve 128 products; it reads those of the next k while it multiplies, also
// across the barrier between two pairs of tiles; a third pair is on its way; and an operand with k contiguous is read
// 16 bytes at a time and transposed by way of registers, as cp.async would have to copy its elements one by one.
// On an NVIDIA H200, 4096 x 4096 x 4096: 48.6 TFLOP/s (pipelined 41.4, cuBLAS 51.3); B transposed 43.7 (cuBLAS 50.4), A
// transposed 51.0 (cuBLAS 51.8), both 46.5 (cuBLAS 49.1). Versions and measurements: kernels/docs/matmul-fp32.md.
// Macros: A_ALIGNED and B_ALIGNED, whether the operand's rows are aligned to 16 bytes; SLICES: so many warps compute
// the same elements of C, each BK of every DEPTH elements along k, and their sums are added in the end. That keeps
// the multiprocessors busy where C has few tiles.
#include "tiles.cuh"

const int WM = 64;
const int WN = 64;
const int BK = SLICES == 1 ? 16 : 8;
const int DEPTH = BK * SLICES;
const int STAGES = 3;
const int WARPS = BM / WM * (BN / WN);
const int THREADS = WARPS * SLICES * 32;
const int STAGE = (BM + BN) * DEPTH;
const int TM = 8;
const int TN = 16;

// The lanes of a warp stand in 8 rows of 4. Those whose numbers differ by 1 share their columns, by 2 their rows.
DEVICE int lane_row() { return threadIdx.x % 2 + threadIdx.x % 32 / 8 * 2; }
DEVICE int lane_column() { return threadIdx.x / 2 % 4; }

// A tile is [DEPTH][ROWS]. Where it is transposed, element i of line p lies at i ^ twist(p): what a warp writes at
// once, 8 rows by 16 k or 4 rows by 32, is then in different banks, and groups of 4 rows stay together.
template <bool TRANSPOSED> DEVICE int twist(int p) {
    return TRANSPOSED ? p / 4 % 2 * 16 + p / 8 % 2 * 8 + p / 16 % 2 * 4 : 0;
}

// What a thread copies of each tile of an operand: pieces of 4 elements, every STEP-th line of memory.
template <bool K_CONTIGUOUS, bool ALIGNED, int ROWS> struct Copies {
    static const int ABREAST = (K_CONTIGUOUS ? DEPTH : ROWS) / 4;
    static const int STEP = THREADS / ABREAST;
    static const int PIECES = (K_CONTIGUOUS ? ROWS : DEPTH) / STEP;
    const float *from; // the first piece, at (line, column) of memory
    int line, column, lines, width;
    float held[K_CONTIGUOUS ? PIECES : 1][4];

    DEVICE Copies(const float *matrix, int first_row, int rows, int k) {
        lines = K_CONTIGUOUS ? rows : k;
        width = K_CONTIGUOUS ? k : rows;
        line = (K_CONTIGUOUS ? first_row : 0) + threadIdx.x / ABREAST;
        column = (K_CONTIGUOUS ? 0 : first_row) + threadIdx.x % ABREAST * 4;
        from = matrix + (size_t) line * width + column;
    }

    // Begins to copy the next tile along k. What is outside of the matrix becomes zeros.
    DEVICE void begin(float *tile) {
        HOT_LOOP
        for (int z = 0; z < PIECES; z++) {
            const float *piece = from + (size_t) (z * STEP) * width;
            bool on_line = line + z * STEP < lines;
            float *to = tile + (threadIdx.x / ABREAST + z * STEP) * ROWS + threadIdx.x % ABREAST * 4;
            if (K_CONTIGUOUS) {
                HOT_LOOP
                for (int q = 0; q < 4; q++) held[z][q] = 0.0f;
                if (ALIGNED && on_line && column < width) load_4(held[z], piece);
                HOT_LOOP
                for (int q = 0; q < 4 && !ALIGNED; q++) if (on_line && column + q < width) held[z][q] = piece[q];
            } else if (ALIGNED) {
                cp_async_16(to, piece, on_line && column < width);
            } else {
                HOT_LOOP
                for (int q = 0; q < 4; q++) cp_async_4(to + q, piece + q, on_line && column + q < width);
            }
        }
        (K_CONTIGUOUS ? column : line) += DEPTH;
        from += K_CONTIGUOUS ? DEPTH : (size_t) DEPTH * width;
    }

    // Writes what is held of the tile, if that is how it is copied.
    DEVICE void end(float *tile) {
        int p = threadIdx.x % ABREAST * 4;
        HOT_LOOP
        for (int z = 0; z < PIECES && K_CONTIGUOUS; z++) {
            int i = threadIdx.x / ABREAST + z * STEP;
            float *to = tile + p * ROWS + (i ^ twist<true>(p));
            HOT_LOOP
            for (int q = 0; q < 4; q++) to[q * ROWS] = held[z][q];
        }
    }
};

// Reads COUNT values of line p of a slice's tile, in groups of four that are 4 LANES apart.
template <bool TRANSPOSED, int ROWS, int COUNT, int LANES>
DEVICE void read(float (&value)[COUNT], const float *tile, int p, int lane) {
    int slice = threadIdx.x / 32 / WARPS;
    int in_group = (lane * 4) ^ twist<TRANSPOSED>(slice * BK) ^ twist<TRANSPOSED>(p) % (4 * LANES);
    HOT_LOOP
    for (int g = 0; g < COUNT; g += 4) {
        int group = (g * LANES) ^ (twist<TRANSPOSED>(p) & ~(4 * LANES - 1)); // known to the compiler
        load_4(&value[g], &tile[(slice * BK + p) * ROWS + group + in_group]);
    }
}

DEVICE void multiply(float (&sum)[TM][TN / 4][4], const float (&a)[TM], const float (&b)[TN]) {
    HOT_LOOP
    for (int x = 0; x < TN; x++) {
        HOT_LOOP
        for (int z = 0; z < TM; z++) {
            int y = x % 2 == 0 ? z : TM - 1 - z; // to and fro: neighbouring products share an operand
            sum[y][x / 4][x % 4] += a[y] * b[x];
        }
    }
}

// Adds the slices' sums to those of slice 0, in order, by way of BM x BN floats of shared memory.
DEVICE void add_slices(float (&sum)[TM][TN / 4][4], float *shared) {
    int slice = threadIdx.x / 32 / WARPS;
    float *mine = shared + threadIdx.x % (32 * WARPS) * 4;
    HOT_LOOP
    for (int other = 1; other < SLICES; other++) {
        __syncthreads(); // nobody reads the stages, or the slice before, any more
        if (slice == other) {
            HOT_LOOP
            for (int e = 0; e < TM * TN / 4; e++) {
                const float *four = sum[e / (TN / 4)][e % (TN / 4)];
                *(float4 *) &mine[e * 128 * WARPS] = make_float4(four[0], four[1], four[2], four[3]);
            }
        }
        __syncthreads(); // this slice is there
        if (slice == 0) {
            HOT_LOOP
            for (int e = 0; e < TM * TN / 4; e++) {
                float added[4];
                load_4(added, &mine[e * 128 * WARPS]);
                HOT_LOOP
                for (int q = 0; q < 4; q++) sum[e / (TN / 4)][e % (TN / 4)][q] += added[q];
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, SLICES == 1 ? 2 : 1) matmul_prefetched(PARAMETERS) {
    DYNAMIC_SHARED(float, stages);
    int tile_m, tile_n;
    locate_tile(blockIdx.x, (m + BM - 1) / BM, (n + BN - 1) / BN, tile_m, tile_n);
    int warp = threadIdx.x / 32 % WARPS;
    int i = warp / (BN / WN) * WM;
    int j = warp % (BN / WN) * WN;
    Copies<A_K_CONTIGUOUS, A_ALIGNED, BM> a_copies(a, tile_m * BM, m, k);
    Copies<B_K_CONTIGUOUS, B_ALIGNED, BN> b_copies(b, tile_n * BN, n, k);
    HOT_LOOP
    for (int s = 0; s < STAGES - 1; s++) {
        float *a_tile = stages + s * STAGE;
        float *b_tile = a_tile + DEPTH * BM;
        a_copies.begin(a_tile);
        b_copies.begin(b_tile);
        cp_async_commit();
        a_copies.end(a_tile);
        b_copies.end(b_tile);
    }
    cp_async_wait<STAGES - 2>();
    __syncthreads(); // the first stage is there
    float sum[TM][TN / 4][4] = {};
    float a_value[2][TM];
    float b_value[2][TN];
    read<A_K_CONTIGUOUS, BM, TM, 8>(a_value[0], stages + i, 0, lane_row());
    read<B_K_CONTIGUOUS, BN, TN, 4>(b_value[0], stages + DEPTH * BM + j, 0, lane_column());
    int stage = 0;
    int filled = STAGES - 1;
    for (int first_p = 0; first_p < k; first_p += DEPTH) {
        float *a_filled = stages + filled * STAGE;
        float *b_filled = a_filled + DEPTH * BM;
        const float *now = stages + stage * STAGE;
        filled = stage;
        stage = stage + 1 == STAGES ? 0 : stage + 1;
        HOT_LOOP
        for (int p = 0; p < BK; p++) {
            if (p == BK - 1) {
                a_copies.end(a_filled);
                b_copies.end(b_filled);
                cp_async_wait<STAGES - 2>();
                __syncthreads(); // the next stage is there for all, and nobody reads this one any more
                now = stages + stage * STAGE;
            }
            int next = (p + 1) % BK;
            // B first: in the other order nvcc 13.0 moves the reads to just before their use.
            read<B_K_CONTIGUOUS, BN, TN, 4>(b_value[next % 2], now + DEPTH * BM + j, next, lane_column());
            read<A_K_CONTIGUOUS, BM, TM, 8>(a_value[next % 2], now + i, next, lane_row());
            if (p == 0) {
                a_copies.begin(a_filled);
                b_copies.begin(b_filled);
                cp_async_commit();
            }
            multiply(sum, a_value[p % 2], b_value[p % 2]);
        }
    }
    cp_async_wait<0>();
    add_slices(sum, stages);
    if (threadIdx.x / 32 / WARPS != 0) return;
    bool aligned = is_aligned(c, n);
    HOT_LOOP
    for (int y = 0; y < TM; y++) {
        HOT_LOOP
        for (int h = 0; h < TN / 4; h++) {
            write_chunk(sum[y][h], tile_m * BM + i + y / 4 * 32 + lane_row() * 4 + y % 4,
                        tile_n * BN + j + h * 16 + lane_column() * 4, c, bias, m, n, alpha, beta, aligned);
        }
    }
}
