// An activation and its gradient. Over naive: 16 bytes an access. On an NVIDIA H200, whose cudaMemcpy reads and writes
// 4237 GB/s, exact GELU of 8192 x 16384 of bfloat16 does 4022 and its gradient 4366.
// Macros: CURVE and SLOPE, functions of curves.cuh.
#include "curves.cuh"
#include "elements.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
activation_forward(const ELEMENT *x, ELEMENT *y, long long count) {
    long long at = own_chunk(x);
    if (at >= count) return;
    float v[CHUNK];
    load_chunk(v, x, at, count, 0.0f);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) v[i] = CURVE(v[i]);
    store_chunk(y, at, count, v);
}

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
activation_backward(const ELEMENT *dy, const ELEMENT *x, ELEMENT *dx, long long count) {
    long long at = own_chunk(x);
    if (at >= count) return;
    float g[CHUNK], v[CHUNK];
    load_chunk(g, dy, at, count, 0.0f);
    load_chunk(v, x, at, count, 0.0f);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) g[i] *= SLOPE(v[i]);
    store_chunk(dx, at, count, g);
}
