// RMSProp. Over naive: 16 bytes an access. On an NVIDIA H100, 67 million float32 weights: 444 us at 3023 GB/s (naive
// 459, 2926).
#include "elements.cuh"
#include "rms-prop.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
rms_prop_step(float *weights, const float *gradient, float *squares, float *mean, float *velocity, long long count,
              RMS_PROP_PARAMETERS) {
    long long at = own_chunk(weights);
    if (at >= count) return;
    float w[CHUNK], g[CHUNK], s[CHUNK], a[CHUNK], u[CHUNK];
    load_chunk(w, weights, at, count, 0.0f);
    load_chunk(g, gradient, at, count, 0.0f);
    load_chunk(s, squares, at, count, 0.0f);
    if (mean != nullptr) load_chunk(a, mean, at, count, 0.0f);
    if (velocity != nullptr) load_chunk(u, velocity, at, count, 0.0f);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) {
        RMS_PROP.step(w[i], g[i], s[i], mean == nullptr ? nullptr : &a[i], velocity == nullptr ? nullptr : &u[i]);
    }
    store_chunk(weights, at, count, w);
    store_chunk(squares, at, count, s);
    if (mean != nullptr) store_chunk(mean, at, count, a);
    if (velocity != nullptr) store_chunk(velocity, at, count, u);
}
