// SGD. Over naive: 16 bytes an access. On an NVIDIA H100, 67 million float32 weights with momentum: 445 us at 3016
// GB/s (naive 453, 2963).
#include "elements.cuh"
#include "sgd.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
sgd_step(float *weights, const float *gradient, float *velocity, long long count, SGD_PARAMETERS) {
    long long at = own_chunk(weights);
    if (at >= count) return;
    float w[CHUNK], g[CHUNK], u[CHUNK];
    load_chunk(w, weights, at, count, 0.0f);
    load_chunk(g, gradient, at, count, 0.0f);
    if (velocity == nullptr) {
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) SGD.step(w[i], g[i]);
    } else {
        load_chunk(u, velocity, at, count, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) SGD.step(w[i], g[i], u[i]);
        store_chunk(velocity, at, count, u);
    }
    store_chunk(weights, at, count, w);
}
