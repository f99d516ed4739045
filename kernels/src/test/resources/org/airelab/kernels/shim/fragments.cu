// Tensor core tiles and conversions, for the tests of the shim. T is f16 or bf16.
#include "lab.cuh"

// d = a b + 1 of a [16, 16] and, as it lies in memory, b [16, 8]; one warp.
extern "C" __global__ void product(const T *a, const T *b, float *d) {
    __shared__ __align__(16) T tile_a[16][16];
    __shared__ __align__(16) T tile_b[32][8];
    int lane = threadIdx.x;
    for (int i = lane; i < 256; i += 32) tile_a[i / 16][i % 16] = a[i];
    for (int i = lane; i < 256; i += 32) tile_b[i / 8][i % 8] = b[i % 128];
    __syncthreads();
    unsigned fragment_a[4], fragment_b[4];
    ldmatrix_x4(fragment_a, &tile_a[lane % 16][lane / 16 * 8]);
    ldmatrix_x4_trans(fragment_b, &tile_b[lane][0]);
    unsigned first[2] = {fragment_b[0], fragment_b[1]};
    float sum[4] = {1, 1, 1, 1};
    mma_m16n8k16<T>(sum, fragment_a, first);
    for (int i = 0; i < 4; i++) d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sum[i];
}

// The same from registers that each lane fills itself, by the layout of PTX's documentation.
extern "C" __global__ void product_of_registers(const T *a, const T *b, float *d) {
    int group = threadIdx.x / 4, pair = threadIdx.x % 4 * 2;
    unsigned fragment_a[4], fragment_b[2];
    for (int i = 0; i < 4; i++) {
        const T *at = a + (group + i % 2 * 8) * 16 + pair + i / 2 * 8;
        fragment_a[i] = at[0].bits | (unsigned) at[1].bits << 16;
    }
    for (int i = 0; i < 2; i++) {
        const T *at = b + (pair + i * 8) * 8 + group;
        fragment_b[i] = at[0].bits | (unsigned) at[8].bits << 16;
    }
    float sum[4] = {1, 1, 1, 1};
    mma_m16n8k16<T>(sum, fragment_a, fragment_b);
    for (int i = 0; i < 4; i++) d[(group + i / 2 * 8) * 8 + pair + i % 2] = sum[i];
}

extern "C" __global__ void widen(const T *in, float *out, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = to_float(in[i]);
}

extern "C" __global__ void narrow(const float *in, T *out, unsigned *pairs, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) {
        out[i] = from_float<T>(in[i]);
        pairs[i] = pack<T>(in[i], in[count - 1 - i]);
    }
}

// Each way a lane can look at another, each lane's own number being 100 times its index: [ways, 32].
extern "C" __global__ void shuffles(int *out) {
    const unsigned all = 0xffffffffu;
    int lane = threadIdx.x, x = lane * 100;
    out[0 * 32 + lane] = __shfl_xor_sync(all, x, 5);
    out[1 * 32 + lane] = __shfl_down_sync(all, x, 3);
    out[2 * 32 + lane] = __shfl_up_sync(all, x, 3);
    out[3 * 32 + lane] = __shfl_sync(all, x, 7);
    out[4 * 32 + lane] = __shfl_down_sync(all, x, 3, 8);
    out[5 * 32 + lane] = __shfl_sync(all, x, 7, 4);
    out[6 * 32 + lane] = (int) __shfl_xor_sync(all, (double) x, 1);
    out[7 * 32 + lane] = (int) __ballot_sync(all, lane % 3 == 0);
    out[8 * 32 + lane] = __any_sync(all, lane == 9) * 10 + __all_sync(all, lane < 31);
    out[9 * 32 + lane] = __reduce_add_sync(all, lane);
}
