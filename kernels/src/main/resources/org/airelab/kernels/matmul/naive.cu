// Matrix product, naive: a thread for each element of C, which walks its row of op(A) and its column of op(B). The
// bottom of the ladder, in every element type. Consecutive threads take consecutive rows, so that a warp's 32 reads of
// A (not transposed) and writes of C lie a row apart, each in a memory transaction of its own.
#include "matmul.cuh"

extern "C" __global__ void __launch_bounds__(BM * BN) matmul_naive(PARAMETERS) {
    int tiles_n = (n + BN - 1) / BN;
    int i = blockIdx.x / tiles_n * BM + threadIdx.x % BM;
    int j = blockIdx.x % tiles_n * BN + threadIdx.x / BM;
    if (i >= m || j >= n) return;
    float sum = 0.0f;
    for (int p = 0; p < k; p++) {
        sum += to_float(a[offset<A_K_CONTIGUOUS>(i, p, m, k)]) * to_float(b[offset<B_K_CONTIGUOUS>(j, p, n, k)]);
    }
    write_element(sum, i, j, c, bias, m, n, alpha, beta);
}
