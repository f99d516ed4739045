// What the tensor-core rungs mma and wgmma share: the way from accumulators to C.
#pragma once
#include "matmul.cuh"

// A warp's own piece of shared memory, in which accumulators become rows: 16 rows of 32 floats. The 8 floats between
// the rows' ends and the next multiple of 32 keep the 8-byte writes of a half-warp in different banks.
const int SLAB_PITCH = 40;
const int SLAB = 16 * SLAB_PITCH;

// Writes 16 x 32 elements of C, from (i, j) on, out of a warp's accumulators: four tiles of 16 x 8 side by side, of
// which lane l holds columns 2 (l % 4) and the next in rows l / 4 and l / 4 + 8 (PTX ISA, fragments of mma.m16n8k16
// and, warp by warp, of wgmma.m64nNk16).
DEVICE void write_rows(float *slab, const float (&d)[4][4], int i, int j, ELEMENT *c, const ELEMENT *bias, int m, int n,
                       float alpha, float beta, bool aligned) {
    const int COUNT = Wide<ELEMENT>::count;
    int lane = threadIdx.x % 32;
    HOT_LOOP
    for (int tile = 0; tile < 4; tile++) {
        float *to = slab + lane / 4 * SLAB_PITCH + tile * 8 + lane % 4 * 2;
        *(float2 *) to = make_float2(d[tile][0], d[tile][1]);
        *(float2 *) (to + 8 * SLAB_PITCH) = make_float2(d[tile][2], d[tile][3]);
    }
    __syncwarp(); // the slab is written
    HOT_LOOP
    for (int y = lane / 4; y < 16; y += 8) {
        int x = lane % 4 * COUNT;
        float sum[COUNT];
        HOT_LOOP
        for (int q = 0; q < COUNT; q += 4) {
            float4 four = *(const float4 *) (slab + y * SLAB_PITCH + x + q);
            sum[q] = four.x;
            sum[q + 1] = four.y;
            sum[q + 2] = four.z;
            sum[q + 3] = four.w;
        }
        write_chunk(sum, i + y, j + x, c, bias, m, n, alpha, beta, aligned);
    }
    __syncwarp(); // and read
}
