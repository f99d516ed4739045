// Matrix product, 16-byte accesses. Over tiled-2d: global memory is read and written, and shared memory read, four
// elements at a time. An operand whose rows are not aligned to 16 bytes is read element by element instead, as C is
// then written. On an NVIDIA H100, float32, 4096 x 4096 x 4096: 4.45 ms, 30.9 TFLOP/s (tiled-2d 5.07, 27.1).
#include "tiles.cuh"

const int BK = 8;
const int TM = 8;
const int TN = 8;
const int THREADS = BM * BN / (TM * TN);
const int PITCH_A = BM + 4;
const int PITCH_B = BN + 4;

extern "C" __global__ void __launch_bounds__(THREADS) matmul_vectorized(PARAMETERS) {
    __shared__ __align__(16) float a_tile[BK * PITCH_A];
    __shared__ __align__(16) float b_tile[BK * PITCH_B];
    int tiles_n = (n + BN - 1) / BN;
    int first_i = blockIdx.x / tiles_n * BM;
    int first_j = blockIdx.x % tiles_n * BN;
    int i = threadIdx.x / (BN / TN) * TM;
    int j = threadIdx.x % (BN / TN) * TN;
    bool a_aligned = is_aligned<A_K_CONTIGUOUS>(a, m, k);
    bool b_aligned = is_aligned<B_K_CONTIGUOUS>(b, n, k);
    float sum[TM][TN / 4][4] = {};
    for (int first_p = 0; first_p < k; first_p += BK) {
        load_chunks<A_K_CONTIGUOUS, BM, BK, PITCH_A, THREADS>(a_tile, a, first_i, first_p, m, k, a_aligned);
        load_chunks<B_K_CONTIGUOUS, BN, BK, PITCH_B, THREADS>(b_tile, b, first_j, first_p, n, k, b_aligned);
        __syncthreads();
        HOT_LOOP
        for (int p = 0; p < BK; p++) {
            float a_value[TM];
            HOT_LOOP
            for (int y = 0; y < TM; y += 4) load_4(&a_value[y], &a_tile[p * PITCH_A + i + y]);
            HOT_LOOP
            for (int h = 0; h < TN / 4; h++) {
                float b_value[4];
                load_4(b_value, &b_tile[p * PITCH_B + j + 4 * h]);
                HOT_LOOP
                for (int y = 0; y < TM; y++) {
                    HOT_LOOP
                    for (int x = 0; x < 4; x++) sum[y][h][x] += a_value[y] * b_value[x];
                }
            }
        }
        __syncthreads();
    }
    bool c_aligned = is_aligned(c, n);
    HOT_LOOP
    for (int y = 0; y < TM; y++) {
        HOT_LOOP
        for (int h = 0; h < TN / 4; h++) {
            write_chunk(sum[y][h], first_i + i + y, first_j + j + 4 * h, c, bias, m, n, alpha, beta, c_aligned);
        }
    }
}
