// Matrix product, coalesced. Over naive: consecutive threads take consecutive columns, so that a warp reads one element
// of A (a broadcast) and 32 neighbours of B (not transposed), and writes 32 neighbours of C, one transaction each. On
// an NVIDIA H100, float32, 4096 x 4096 x 4096: 21.7 ms (naive 273).
#include "matmul.cuh"

extern "C" __global__ void __launch_bounds__(BM * BN) matmul_coalesced(PARAMETERS) {
    int tiles_n = (n + BN - 1) / BN;
    int i = blockIdx.x / tiles_n * BM + threadIdx.x / BN;
    int j = blockIdx.x % tiles_n * BN + threadIdx.x % BN;
    if (i >= m || j >= n) return;
    float sum = 0.0f;
    for (int p = 0; p < k; p++) {
        sum += to_float(a[offset<A_K_CONTIGUOUS>(i, p, m, k)]) * to_float(b[offset<B_K_CONTIGUOUS>(j, p, n, k)]);
    }
    write_element(sum, i, j, c, bias, m, n, alpha, beta);
}
