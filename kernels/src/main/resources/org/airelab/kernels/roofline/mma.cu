// The peak of mma.sync, fp16 or bf16 with float32 sums: eight tiles a warp that do not wait for each other, operands in
// registers. On Hopper wgmma is faster, see wgmma.cu.
// Macros: STEPS, products of each tile.
#include "lab.cuh"

const int TILES = 8;

extern "C" __global__ void __launch_bounds__(256) roofline_mma(float *out, float scale) {
    int thread = blockIdx.x * blockDim.x + threadIdx.x;
    // Signs differ from place to place: the power of a multiplier depends on its operands.
    float sign = threadIdx.x % 3 ? scale : -scale;
    unsigned a[4];
    unsigned b[2];
    HOT_LOOP
    for (int q = 0; q < 4; q++) a[q] = pack<ELEMENT>(scale * (float) (q + 1), sign * (float) (q + 2));
    HOT_LOOP
    for (int q = 0; q < 2; q++) b[q] = pack<ELEMENT>(sign * (float) (q + 1), scale * (float) (q + 2));
    float sum[TILES][4] = {};
    for (int step = 0; step < STEPS; step++) {
        HOT_LOOP
        for (int tile = 0; tile < TILES; tile++) mma_m16n8k16<ELEMENT>(sum[tile], a, b);
    }
    float total = 0.0f;
    HOT_LOOP
    for (int tile = 0; tile < TILES; tile++) total += sum[tile][0] + sum[tile][1] + sum[tile][2] + sum[tile][3];
    out[thread] = total;
}
