// Small kernels for the tests of the shim, right as they stand; the tests plant a bug in each. Blocks have 64 threads,
// and `count` is 100: the second block ends within its second warp.
#include "lab.cuh"

// Each block's 64 elements in reverse.
extern "C" __global__ void reverse(const float *in, float *out, int count) {
    __shared__ float tile[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    tile[threadIdx.x] = i < count ? in[i] : 0;
    __syncthreads();
    if (i < count) out[i] = tile[63 - threadIdx.x];
}

// The same through one row of shared memory, used again for the elements' squares.
extern "C" __global__ void reverse_twice(const float *in, float *out, int count) {
    float *tile = nullptr;
    DYNAMIC_SHARED(float, row);
    tile = row;
    int i = blockIdx.x * 64 + threadIdx.x;
    float x = i < count ? in[i] : 0;
    tile[threadIdx.x] = x;
    __syncthreads();
    float y = tile[63 - threadIdx.x];
    __syncthreads(); // before the row is written again
    tile[threadIdx.x] = x * x;
    __syncthreads();
    if (i < count) out[i] = y + tile[63 - threadIdx.x];
}

// Each element of a warp plus its neighbour's, through shared memory of the warp.
extern "C" __global__ void neighbour(const float *in, float *out, int count) {
    __shared__ float tile[2][32];
    int i = blockIdx.x * 64 + threadIdx.x, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    tile[warp][lane] = i < count ? in[i] : 0;
    __syncwarp();
    float sum = tile[warp][lane] + tile[warp][(lane + 1) % 32];
    if (i < count) out[i] = sum;
}

// The sum of each warp's elements, in each of them.
extern "C" __global__ void sums(const float *in, float *out, int count) {
    int i = blockIdx.x * 64 + threadIdx.x;
    float sum = warp_sum(i < count ? in[i] : 0);
    if (i < count) out[i] = sum;
}

// Copies of 16 bytes; `count` is a multiple of 4.
extern "C" __global__ void copy_wide(const float *in, float *out, int count) {
    int i = (blockIdx.x * 64 + threadIdx.x) * 4;
    if (i < count) *reinterpret_cast<float4 *>(out + i) = *reinterpret_cast<const float4 *>(in + i);
}

// A matrix of 10 columns, transposed through shared memory by one block.
extern "C" __global__ void transpose(const float *in, float *out, int count) {
    __shared__ float tile[10][11];
    int rows = count / 10;
    for (int i = threadIdx.x; i < count; i += 64) tile[i % 10][i / 10] = in[i];
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += 64) out[i / 10 * rows + i % 10] = tile[i / 10][i % 10];
}

// Each thread's four elements through shared memory by asynchronous copies, read by another thread.
extern "C" __global__ void asynchronous(const float *in, float *out, int count) {
    __shared__ __align__(16) float tile[64 * 4];
    int i = (blockIdx.x * 64 + threadIdx.x) * 4;
    cp_async_16(tile + threadIdx.x * 4, in + i, i < count);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads(); // what others copied
    for (int j = 0; j < 4; j++) {
        if (i + j < count) out[i + j] = tile[threadIdx.x * 4 + 3 - j] + tile[(threadIdx.x ^ 1) * 4];
    }
}

// A sum of all elements in out[0], of the others their count in out[1].
extern "C" __global__ void accumulate(const float *in, float *out, float *total, int count) {
    int i = blockIdx.x * 64 + threadIdx.x;
    if (i < count) {
        atomicAdd(total, in[i]);
        out[i] = in[i];
    }
}
