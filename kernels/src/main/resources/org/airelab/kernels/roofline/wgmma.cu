// The peak of wgmma, fp16 or bf16 with float32 sums: two warp groups of a block multiply the same two tiles in shared
// memory, 64 x 64 by 64 x 256, over and over. Only for sm_90a.
// Macros: STEPS, products of the tiles.
#include "hopper.cuh"

const int LINE = 64;
const int A_LINES = 64;
const int B_LINES = 256;
const int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS) roofline_wgmma(float *out, float scale) {
    DYNAMIC_SHARED(ELEMENT, tiles);
    for (int i = threadIdx.x; i < (A_LINES + B_LINES) * LINE; i += THREADS) {
        // Numbers of both signs: the power of a multiplier depends on its operands.
        tiles[i] = from_float<ELEMENT>(scale * (float) (i * 37 % 61 - 30));
    }
    // wgmma reads by the asynchronous proxy what was written by the generic one.
    async_proxy_fence();
    __syncthreads(); // the tiles are there for all
    unsigned long long a = wgmma_descriptor<2 * LINE>(tiles, 16);
    unsigned long long b = wgmma_descriptor<2 * LINE>(tiles + A_LINES * LINE, 16);
    float sum[8][4][4] = {};
    for (int step = 0; step < STEPS; step++) {
        wgmma_hold(sum);
        wgmma_fence();
        // 16 elements along k are 32 bytes of a line, 2 in the descriptor's unit.
        HOT_LOOP
        for (int p = 0; p < LINE / 16; p++) wgmma<ELEMENT, 0, 0>(sum, a + 2 * p, b + 2 * p, 1);
        wgmma_commit();
        wgmma_hold(sum);
        wgmma_wait<0>();
        wgmma_hold(sum);
    }
    float total = 0.0f;
    HOT_LOOP
    for (int p = 0; p < 8; p++) {
        HOT_LOOP
        for (int q = 0; q < 4; q++) total += sum[p][q][0] + sum[p][q][1] + sum[p][q][2] + sum[p][q][3];
    }
    out[blockIdx.x * THREADS + threadIdx.x] = total;
}
