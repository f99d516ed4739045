// SwiGLU. Over naive: 16 bytes an access, no more threads than run at once, and a thread divides once, for its first
// row. Where a row does not begin at a multiple of 16 bytes, as with an odd `hidden`, its elements are read one by one.
#include "curves.cuh"
#include "elements.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
swiglu_forward(const ELEMENT *gate_up, ELEMENT *y, int rows, long long hidden) {
    for (RowChunk chunk(hidden); chunk.row < rows; chunk.next()) {
        const ELEMENT *gate = gate_up + 2 * chunk.row * hidden;
        float g[CHUNK], u[CHUNK];
        load_chunk(g, gate, chunk.at, hidden, 0.0f);
        load_chunk(u, gate + hidden, chunk.at, hidden, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) g[i] = silu(g[i]) * u[i];
        store_chunk(y + chunk.row * hidden, chunk.at, hidden, g);
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
swiglu_backward(const ELEMENT *dy, const ELEMENT *gate_up, ELEMENT *d_gate_up, int rows, long long hidden) {
    for (RowChunk chunk(hidden); chunk.row < rows; chunk.next()) {
        const ELEMENT *gate = gate_up + 2 * chunk.row * hidden;
        ELEMENT *d_gate = d_gate_up + 2 * chunk.row * hidden;
        float d[CHUNK], g[CHUNK], u[CHUNK];
        load_chunk(d, dy + chunk.row * hidden, chunk.at, hidden, 0.0f);
        load_chunk(g, gate, chunk.at, hidden, 0.0f);
        load_chunk(u, gate + hidden, chunk.at, hidden, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            float to_gate = d[i] * u[i] * silu_slope(g[i]);
            u[i] = d[i] * silu(g[i]);
            g[i] = to_gate;
        }
        store_chunk(d_gate, chunk.at, hidden, g);
        store_chunk(d_gate + hidden, chunk.at, hidden, u);
    }
}
