// Uses what lab.cuh offers, so that the header is compiled as kernels compile it.
#include "lab.cuh"

extern "C" __global__ void header_probe(float *x, const bf16 *y, int n) {
    DYNAMIC_SHARED(float, shared);
    int i = threadIdx.x;
    cp_async_16(shared + 4 * i, x + 4 * i, i < n);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    float sum = warp_sum(shared[i] * to_float(y[i]));
    x[i] = warp_max(sum) + to_float(from_float<f16>(sum));
}
