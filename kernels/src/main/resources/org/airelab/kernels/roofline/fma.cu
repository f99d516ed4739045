// The peak of fused multiply-adds in float32: eight sums a thread that do not wait for each other, all in registers.
// Macros: STEPS, multiply-adds of each sum.
#include "lab.cuh"

const int SUMS = 8;

extern "C" __global__ void __launch_bounds__(256) roofline_fma(float *out, float factor) {
    int thread = blockIdx.x * blockDim.x + threadIdx.x;
    float sum[SUMS];
    HOT_LOOP
    for (int s = 0; s < SUMS; s++) sum[s] = (float) (threadIdx.x + s + 1);
    for (int step = 0; step < STEPS / 16; step++) {
        HOT_LOOP
        for (int unrolled = 0; unrolled < 16; unrolled++) {
            HOT_LOOP
            for (int s = 0; s < SUMS; s++) sum[s] = fmaf(sum[s], factor, 1.0f);
        }
    }
    float total = 0.0f;
    HOT_LOOP
    for (int s = 0; s < SUMS; s++) total += sum[s];
    out[thread] = total;
}
