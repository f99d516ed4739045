// An activation and its gradient. Over naive: 16 bytes an access. Exact GELU of 8192 x 16384 of bfloat16 on an NVIDIA
// H100: 179 us at 3004 GB/s (naive 385), its gradient 264 us at 3047 GB/s (naive 425); on an H200 134 us at 4021 GB/s
// (naive 361) and 185 us at 4364 GB/s (naive 391): benchmarks/reports/20261126-NVIDIA-H100 and -H200, memory-bound.
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
