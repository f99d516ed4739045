// The sum of squares of a gradient, naive: a thread a piece of PIECE elements, and one thread for the pieces' sums.
#include "lab.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
sums_of_squares(const ELEMENT *values, long long count, double *sums, long long pieces) {
    long long piece = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (piece >= pieces) return;
    long long end = min(count, (piece + 1) * PIECE);
    double sum = 0.0;
    for (long long i = piece * PIECE; i < end; i++) {
        double value = to_float(values[i]);
        sum += value * value;
    }
    sums[piece] = sum;
}

extern "C" __global__ void __launch_bounds__(BLOCK) total(const double *sums, long long pieces, double *sum) {
    if (threadIdx.x != 0) return;
    double all = 0.0;
    for (long long i = 0; i < pieces; i++) all += sums[i];
    *sum = all;
}
