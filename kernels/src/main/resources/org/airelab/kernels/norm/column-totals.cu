// The sums of partial sums over the rows, the second stage of a norm's parameter gradients: a block for 32 columns, its
// warps take the partial sums in turn, and one adds up what the warps have. They are always added in the same order;
// partials [arrays, count, width]. blockIdx.y is the array, whose sums go to `totals` or, the second's, to `others`.
#include "lab.cuh"

const int WARPS = BLOCK / 32;

extern "C" __global__ void __launch_bounds__(BLOCK)
column_totals(const float *partials, ELEMENT *totals, ELEMENT *others, int count, int width) {
    __shared__ float sums[WARPS][32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, column = blockIdx.x * 32 + lane;
    partials += (long long) blockIdx.y * count * width;
    if (blockIdx.y == 1) totals = others;
    float sum = 0.0f;
    if (column < width) {
#pragma unroll 8
        for (int i = warp; i < count; i += WARPS) sum += partials[(long long) i * width + column];
    }
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || column >= width) return;
    sum = 0.0f;
    HOT_LOOP
    for (int i = 0; i < WARPS; i++) sum += sums[i][lane];
    totals[column] = from_float<ELEMENT>(sum);
}
