// Root mean square norm, a block a row. Over warp: 16 bytes an access, and each thread holds its first HELD chunks of
// the row in registers, so that a row that fits is read once. Backward, a block takes `each` rows, and the sums over
// them for the weight's gradient stay in registers too: dy and x are read once for both gradients.
// One block a multiprocessor is enough: without saying so, the compiler would rather spill than hold the row.
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK, 1)
rms_norm_forward(const ELEMENT *x, const ELEMENT *weight, ELEMENT *y, float *rstd, int rows, int width, float eps) {
    __shared__ float scratch[32];
    x += (long long) blockIdx.x * width;
    y += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x * CHUNK, beyond = first + HELD * BLOCK * CHUNK;
    float v[HELD][CHUNK], w[CHUNK], p[CHUNK];

    float squares = 0.0f;
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        load_chunk(v[h], x, first + h * BLOCK * CHUNK, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) squares += v[h][i] * v[h][i];
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(p, x, at, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) squares += p[i] * p[i];
    }
    float r = rsqrtf(block_sum(squares, scratch) / width + eps);

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        load_chunk(w, weight, first + h * BLOCK * CHUNK, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[h][i] *= r * w[i];
        store_chunk(y, first + h * BLOCK * CHUNK, width, v[h]);
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(p, x, at, width, 0.0f);
        load_chunk(w, weight, at, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) p[i] *= r * w[i];
        store_chunk(y, at, width, p);
    }
    if (threadIdx.x == 0) rstd[blockIdx.x] = r;
}

// Partial sums of the weight's gradient go to partials [blocks, width].
extern "C" __global__ void __launch_bounds__(BLOCK, 1)
rms_norm_backward(const ELEMENT *dy, const ELEMENT *x, const ELEMENT *weight, const float *rstd, ELEMENT *dx,
                  float *partials, int rows, int width, int each) {
    __shared__ float scratch[32];
    int first_row = blockIdx.x * each, end = min(rows, first_row + each);
    partials += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x * CHUNK, beyond = first + HELD * BLOCK * CHUNK;
    float sums[HELD][CHUNK] = {};

    for (int row = first_row; row < end; row++) {
        const ELEMENT *dy_row = dy + (long long) row * width, *x_row = x + (long long) row * width;
        ELEMENT *dx_row = dx + (long long) row * width;
        float g[HELD][CHUNK], v[HELD][CHUNK], w[CHUNK], p[CHUNK], q[CHUNK];
        float r = rstd[row], dot = 0.0f;
        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            int at = first + h * BLOCK * CHUNK;
            load_chunk(g[h], dy_row, at, width, 0.0f);
            load_chunk(v[h], x_row, at, width, 0.0f);
            load_chunk(w, weight, at, width, 0.0f);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                sums[h][i] += g[h][i] * v[h][i] * r;
                g[h][i] *= w[i];
                dot += g[h][i] * v[h][i];
            }
        }
        for (int at = beyond; at < width; at += BLOCK * CHUNK) {
            load_chunk(p, dy_row, at, width, 0.0f);
            load_chunk(q, x_row, at, width, 0.0f);
            load_chunk(w, weight, at, width, 0.0f);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                dot += p[i] * w[i] * q[i];
                if (at + i < width) partials[at + i] = (row == first_row ? 0.0f : partials[at + i]) + p[i] * q[i] * r;
            }
        }
        float c = block_sum(dot, scratch) * r * r * r / width;

        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) g[h][i] = g[h][i] * r - v[h][i] * c;
            store_chunk(dx_row, first + h * BLOCK * CHUNK, width, g[h]);
        }
        for (int at = beyond; at < width; at += BLOCK * CHUNK) {
            load_chunk(p, dy_row, at, width, 0.0f);
            load_chunk(q, x_row, at, width, 0.0f);
            load_chunk(w, weight, at, width, 0.0f);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) p[i] = p[i] * w[i] * r - q[i] * c;
            store_chunk(dx_row, at, width, p);
        }
    }

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        int at = first + h * BLOCK * CHUNK;
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (at + i < width) partials[at + i] = sums[h][i];
        }
    }
}
