// The sum of squares of a gradient. Over naive: a block a piece of PIECE elements, read 16 bytes at a time by
// neighbouring threads, and a block for the pieces' sums. Pieces and the order of sums depend on the count alone. On
// an NVIDIA H100, 67 million float32 elements: 92.2 us at 2912 GB/s (naive 2.28 ms).
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
sums_of_squares(const ELEMENT *values, long long count, double *sums, long long pieces) {
    __shared__ double scratch[32];
    long long start = (long long) blockIdx.x * PIECE;
    long long end = min(count, start + PIECE);
    double sum = 0.0;
    for (long long at = start + threadIdx.x * CHUNK; at < end; at += BLOCK * CHUNK) {
        float v[CHUNK];
        load_chunk(v, values, at, end, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) sum += (double) v[i] * v[i];
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(BLOCK) total(const double *sums, long long pieces, double *sum) {
    __shared__ double scratch[32];
    double all = 0.0;
    for (long long i = threadIdx.x; i < pieces; i += BLOCK) all += sums[i];
    all = block_sum(all, scratch);
    if (threadIdx.x == 0) *sum = all;
}
