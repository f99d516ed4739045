// SwiGLU. Over naive: 16 bytes an access, and a division a thread, not an element. Where a row does not begin at a
// multiple of 16 bytes, as with an odd `hidden`, its elements are read one by one. 8192 x 14336 of bfloat16 on an
// NVIDIA H100: forward 232 us at 3042 GB/s (naive 432), backward 389 us at 3021 GB/s (naive 519); on an H200 162 us at
// 4351 GB/s (naive 412) and 273 us at 4301 GB/s (naive 481): benchmarks/reports/20261126-NVIDIA-H100 and -H200,
// memory-bound.
#include "curves.cuh"
#include "elements.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
swiglu_forward(const ELEMENT *gate_up, ELEMENT *y, int rows, int together, int hidden) {
    RowPlace chunk(rows, together, chunk_count(hidden));
    if (!chunk.exists) return;
    int at = chunk.place * CHUNK;
    const ELEMENT *gate = gate_up + 2ll * chunk.row * hidden;
    float g[CHUNK], u[CHUNK];
    load_chunk(g, gate, at, hidden, 0.0f);
    load_chunk(u, gate + hidden, at, hidden, 0.0f);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) g[i] = silu(g[i]) * u[i];
    store_chunk(y + (long long) chunk.row * hidden, at, hidden, g);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
swiglu_backward(const ELEMENT *dy, const ELEMENT *gate_up, ELEMENT *d_gate_up, int rows, int together, int hidden) {
    RowPlace chunk(rows, together, chunk_count(hidden));
    if (!chunk.exists) return;
    int at = chunk.place * CHUNK;
    const ELEMENT *gate = gate_up + 2ll * chunk.row * hidden;
    ELEMENT *d_gate = d_gate_up + 2ll * chunk.row * hidden;
    float d[CHUNK], g[CHUNK], u[CHUNK];
    load_chunk(d, dy + (long long) chunk.row * hidden, at, hidden, 0.0f);
    load_chunk(g, gate, at, hidden, 0.0f);
    load_chunk(u, gate + hidden, at, hidden, 0.0f);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) {
        float to_gate = d[i] * u[i] * silu_slope(g[i]);
        u[i] = d[i] * silu(g[i]);
        g[i] = to_gate;
    }
    store_chunk(d_gate, at, hidden, g);
    store_chunk(d_gate + hidden, at, hidden, u);
}
