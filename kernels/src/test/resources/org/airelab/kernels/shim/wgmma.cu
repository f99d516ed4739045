// Products of a warp group through TMA, for the tests of the shim: d = a b of a [64, 64] and b [64, COLUMNS].
// Macros: ELEMENT, f16 or bf16; COLUMNS; LINE, elements of a line in shared memory, 32 or 64; A_MN and B_MN, whether
// lines run along m or n, as then they do in memory: a [k, m], b [k, n], else a [m, k], b [n, k].
#include "hopper.cuh"

const int K = 64, M = 64, LINE_BYTES = 2 * LINE;

// Copies a tensor of `lines` lines, `width` elements each, in panels of LINE columns.
DEVICE void load(ELEMENT *to, const tensor_map *map, int lines, int width, mbarrier *full) {
    for (int panel = 0; panel < width / LINE; panel++) tma_load(to + panel * lines * LINE, map, panel * LINE, 0, full);
}

// The operand from k on.
template <bool MN_MAJOR> DEVICE unsigned long long operand(const ELEMENT *panels, int rows, int k) {
    return wgmma_descriptor<LINE_BYTES>(panels + (MN_MAJOR ? k * LINE : k / LINE * rows * LINE + k % LINE),
                                        MN_MAJOR ? K * LINE_BYTES : 16);
}

extern "C" __global__ void products(const __grid_constant__ tensor_map a_map, const __grid_constant__ tensor_map b_map,
                                    const ELEMENT *a, float *d, int from_registers) {
    DYNAMIC_SHARED(ELEMENT, a_tile);
    ELEMENT *b_tile = a_tile + M * K;
    mbarrier *full = (mbarrier *) (b_tile + COLUMNS * K);
    if (threadIdx.x == 0) {
        mbarrier_init(full, 1);
        mbarrier_init_fence();
        mbarrier_arrive_expect(full, 2 * K * (M + COLUMNS));
        load(a_tile, &a_map, A_MN ? K : M, A_MN ? M : K, full);
        load(b_tile, &b_map, B_MN ? K : COLUMNS, B_MN ? COLUMNS : K, full);
    }
    __syncthreads();
    mbarrier_wait(full, 0);
    int row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;
    unsigned fragments[K / 16][4];
    for (int i = 0; i < K / 4; i++) {
        int at = row + i % 2 * 8, k = i / 4 * 16 + i / 2 % 2 * 8 + pair;
        ELEMENT low = A_MN ? a[k * M + at] : a[at * K + k], high = A_MN ? a[(k + 1) * M + at] : a[at * K + k + 1];
        fragments[i / 4][i % 4] = low.bits | (unsigned) high.bits << 16;
    }
    float sum[COLUMNS / 32][4][4];
    wgmma_fence();
    for (int k = 0; k < K; k += 16) {
        unsigned long long right = operand<B_MN>(b_tile, COLUMNS, k);
        if (from_registers) wgmma<ELEMENT, B_MN>(sum, fragments[k / 16], right, k > 0);
        else wgmma<ELEMENT, A_MN, B_MN>(sum, operand<A_MN>(a_tile, M, k), right, k > 0);
    }
    wgmma_commit();
    wgmma_wait<0>();
    for (int i = 0; i < COLUMNS / 2; i++) {
        d[(row + i / 2 % 2 * 8) * COLUMNS + i / 4 * 8 + pair + i % 2] = sum[i / 16][i / 4 % 4][i % 4];
    }
}
