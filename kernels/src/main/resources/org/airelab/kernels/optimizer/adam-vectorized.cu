// Adam. Over naive: 16 bytes an access. On an NVIDIA H100, 67 million float32 weights of AdamW: 625 us at 3004 GB/s
// (naive 665, 2824); on an H200 445 us at 4225 GB/s (naive 505, 3720): benchmarks/reports/20261126-NVIDIA-H100 and
// -H200, optimizers.
#include "adam.cuh"
#include "elements.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
adam_step(float *weights, const float *gradient, float *first, float *second, long long count, ADAM_PARAMETERS) {
    long long at = own_chunk(weights);
    if (at >= count) return;
    float w[CHUNK], g[CHUNK], m[CHUNK], v[CHUNK];
    load_chunk(w, weights, at, count, 0.0f);
    load_chunk(g, gradient, at, count, 0.0f);
    load_chunk(m, first, at, count, 0.0f);
    load_chunk(v, second, at, count, 0.0f);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) ADAM.step(w[i], g[i], m[i], v[i]);
    store_chunk(weights, at, count, w);
    store_chunk(first, at, count, m);
    store_chunk(second, at, count, v);
}
