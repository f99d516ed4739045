// Matrix product, 2-D register tiles. Over tiled-1d: a thread computes 8 x 8 elements of C, so that the 16 values it
// reads from shared memory serve 64 products. On an NVIDIA H100, float32, 4096 x 4096 x 4096: 5.07 ms (tiled-1d 11.1).
#include "tiles.cuh"

const int BK = 8;
const int TM = 8;
const int TN = 8;
const int THREADS = BM * BN / (TM * TN);
const int PITCH_A = BM + 4;
const int PITCH_B = BN + 4;

extern "C" __global__ void __launch_bounds__(THREADS) matmul_tiled_2d(PARAMETERS) {
    __shared__ float a_tile[BK * PITCH_A];
    __shared__ float b_tile[BK * PITCH_B];
    int tiles_n = (n + BN - 1) / BN;
    int first_i = blockIdx.x / tiles_n * BM;
    int first_j = blockIdx.x % tiles_n * BN;
    int i = threadIdx.x / (BN / TN) * TM;
    int j = threadIdx.x % (BN / TN) * TN;
    float sum[TM][TN] = {};
    for (int first_p = 0; first_p < k; first_p += BK) {
        load_tile<A_K_CONTIGUOUS, BM, BK, PITCH_A, THREADS>(a_tile, a, first_i, first_p, m, k);
        load_tile<B_K_CONTIGUOUS, BN, BK, PITCH_B, THREADS>(b_tile, b, first_j, first_p, n, k);
        __syncthreads();
        HOT_LOOP
        for (int p = 0; p < BK; p++) {
            float a_value[TM];
            float b_value[TN];
            HOT_LOOP
            for (int y = 0; y < TM; y++) a_value[y] = a_tile[p * PITCH_A + i + y];
            HOT_LOOP
            for (int x = 0; x < TN; x++) b_value[x] = b_tile[p * PITCH_B + j + x];
            HOT_LOOP
            for (int y = 0; y < TM; y++) {
                HOT_LOOP
                for (int x = 0; x < TN; x++) sum[y][x] += a_value[y] * b_value[x];
            }
        }
        __syncthreads();
    }
    HOT_LOOP
    for (int y = 0; y < TM; y++) {
        HOT_LOOP
        for (int x = 0; x < TN; x++) {
            write_element(sum[y][x], first_i + i + y, first_j + j + x, c, bias, m, n, alpha, beta);
        }
    }
}
