// What only sm_90 and up has, for the tests of launches with clusters and of tensor maps.
struct alignas(64) TensorMap { unsigned char bytes[128]; };

extern "C" __global__ void cluster_size(float *out) {
    unsigned blocks;
    asm volatile("mov.u32 %0, %%cluster_nctaid.x;" : "=r"(blocks));
    if (blockIdx.x == 0 && threadIdx.x == 0) out[0] = blocks;
}

// One tile of 8 by 4 floats at a column and row, through shared memory.
extern "C" __global__ void read_tile(float *out, const __grid_constant__ TensorMap map, int column, int row) {
    __shared__ __align__(128) float tile[32];
    __shared__ __align__(8) unsigned long long barrier;
    unsigned at = (unsigned) __cvta_generic_to_shared(&barrier);
    if (threadIdx.x == 0) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(at) : "memory");
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 128;" :: "r"(at) : "memory");
        asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], "
                     "[%1, {%2, %3}], [%4];" :: "r"((unsigned) __cvta_generic_to_shared(tile)), "l"(&map),
                     "r"(column), "r"(row), "r"(at) : "memory");
    }
    __syncthreads();
    unsigned done = 0;
    while (!done) {
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0; selp.u32 %0, 1, 0, p; }"
                     : "=r"(done) : "r"(at) : "memory");
    }
    out[threadIdx.x] = tile[threadIdx.x];
}
