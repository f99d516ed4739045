// Small kernels for the tests of the shim, right as they stand; the tests plant a bug in each.
#include "lab.cuh"

// Each block's 64 elements in reverse.
extern "C" __global__ void reverse(const float *in, float *out, int count) {
    __shared__ float tile[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    tile[threadIdx.x] = i < count ? in[i] : 0;
    __syncthreads(); // reversed
    if (i < count) out[i] = tile[63 - threadIdx.x];
}
