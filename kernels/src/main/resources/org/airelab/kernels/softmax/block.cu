// Softmax of rows, a block a row. Over warp: 16 bytes an access, and each thread holds its first HELD chunks of the row
// in registers, so that a row that fits is read once; what lies beyond is read again for each step. Chunks are cut at
// multiples of 16 bytes: a row that begins between two has an incomplete chunk at each end.
// One block a multiprocessor is enough: without saying so, the compiler would rather spill than hold the row.
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK, 1)
softmax_forward(const ELEMENT *x, ELEMENT *y, int rows, int width) {
    __shared__ float scratch[32];
    x += (long long) blockIdx.x * width;
    y += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x * CHUNK - misaligned_elements(x);
    int beyond = first + HELD * BLOCK * CHUNK;
    float v[HELD][CHUNK], w[CHUNK];

    float most = minus_infinity();
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        load_chunk(v[h], x, first + h * BLOCK * CHUNK, width, minus_infinity());
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) most = fmaxf(most, v[h][i]);
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(w, x, at, width, minus_infinity());
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) most = fmaxf(most, w[i]);
    }
    most = block_max(most, scratch);

    float sum = 0.0f;
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) sum += v[h][i] = expf(v[h][i] - most);
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(w, x, at, width, minus_infinity());
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) sum += expf(w[i] - most);
    }
    float scale = 1.0f / block_sum(sum, scratch);

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[h][i] *= scale;
        store_chunk(y, first + h * BLOCK * CHUNK, width, v[h]);
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(w, x, at, width, minus_infinity());
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) w[i] = expf(w[i] - most) * scale;
        store_chunk(y, at, width, w);
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK, 1)
softmax_backward(const ELEMENT *dy, const ELEMENT *y, ELEMENT *dx, int rows, int width) {
    __shared__ float scratch[32];
    dy += (long long) blockIdx.x * width;
    y += (long long) blockIdx.x * width;
    dx += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x * CHUNK - misaligned_elements(y);
    int beyond = first + HELD * BLOCK * CHUNK;
    float g[HELD][CHUNK], v[HELD][CHUNK], p[CHUNK], q[CHUNK];

    float dot = 0.0f;
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        load_chunk(g[h], dy, first + h * BLOCK * CHUNK, width, 0.0f);
        load_chunk(v[h], y, first + h * BLOCK * CHUNK, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) dot += g[h][i] * v[h][i];
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(p, dy, at, width, 0.0f);
        load_chunk(q, y, at, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) dot += p[i] * q[i];
    }
    dot = block_sum(dot, scratch);

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) g[h][i] = v[h][i] * (g[h][i] - dot);
        store_chunk(dx, first + h * BLOCK * CHUNK, width, g[h]);
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(p, dy, at, width, 0.0f);
        load_chunk(q, y, at, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) p[i] = q[i] * (p[i] - dot);
        store_chunk(dx, at, width, p);
    }
}
