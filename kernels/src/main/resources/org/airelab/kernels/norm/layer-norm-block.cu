// Layer norm, a block a row. Over warp: 16 bytes an access, and each thread holds its first HELD chunks of the row in
// registers, so that a row that fits is read once. Backward, a block takes `each` rows, and the sums over them for the
// gradients of weight and bias stay in registers too: dy and x are read once for all gradients.
// One block a multiprocessor is enough: without saying so, the compiler would rather spill than hold the row.
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK, 1)
layer_norm_forward(const ELEMENT *x, const ELEMENT *weight, const ELEMENT *bias, ELEMENT *y, float *mean, float *rstd,
                   int rows, int width, float eps) {
    __shared__ float scratch[32];
    x += (long long) blockIdx.x * width;
    y += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x * CHUNK, beyond = first + HELD * BLOCK * CHUNK;
    float v[HELD][CHUNK], w[CHUNK], b[CHUNK] = {}, p[CHUNK];

    float sum = 0.0f;
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        load_chunk(v[h], x, first + h * BLOCK * CHUNK, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) sum += v[h][i];
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(p, x, at, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) sum += p[i];
    }
    float m = block_sum(sum, scratch) / width;

    float squares = 0.0f;
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            v[h][i] -= m;
            if (first + h * BLOCK * CHUNK + i < width) squares += v[h][i] * v[h][i];
        }
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(p, x, at, width, m);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) squares += (p[i] - m) * (p[i] - m);
    }
    float r = rsqrtf(block_sum(squares, scratch) / width + eps);

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        int at = first + h * BLOCK * CHUNK;
        load_chunk(w, weight, at, width, 0.0f);
        if (bias != nullptr) load_chunk(b, bias, at, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[h][i] = v[h][i] * r * w[i] + b[i];
        store_chunk(y, at, width, v[h]);
    }
    for (int at = beyond; at < width; at += BLOCK * CHUNK) {
        load_chunk(p, x, at, width, 0.0f);
        load_chunk(w, weight, at, width, 0.0f);
        if (bias != nullptr) load_chunk(b, bias, at, width, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) p[i] = (p[i] - m) * r * w[i] + b[i];
        store_chunk(y, at, width, p);
    }
    if (threadIdx.x == 0) {
        mean[blockIdx.x] = m;
        rstd[blockIdx.x] = r;
    }
}

// Partial sums of the gradients of weight and bias go to arrays [blocks, width]; bias_partials may be null.
extern "C" __global__ void __launch_bounds__(BLOCK, 1)
layer_norm_backward(const ELEMENT *dy, const ELEMENT *x, const ELEMENT *weight, const float *mean, const float *rstd,
                    ELEMENT *dx, float *weight_partials, float *bias_partials, int rows, int width, int each) {
    __shared__ float scratch[32];
    int first_row = blockIdx.x * each, end = min(rows, first_row + each);
    weight_partials += (long long) blockIdx.x * width;
    if (bias_partials != nullptr) bias_partials += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x * CHUNK, beyond = first + HELD * BLOCK * CHUNK;
    float weight_sums[HELD][CHUNK] = {}, bias_sums[HELD][CHUNK] = {};

    for (int row = first_row; row < end; row++) {
        const ELEMENT *dy_row = dy + (long long) row * width, *x_row = x + (long long) row * width;
        ELEMENT *dx_row = dx + (long long) row * width;
        float g[HELD][CHUNK], v[HELD][CHUNK], w[CHUNK], p[CHUNK], q[CHUNK];
        float m = mean[row], r = rstd[row], sum = 0.0f, dot = 0.0f;
        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            int at = first + h * BLOCK * CHUNK;
            load_chunk(g[h], dy_row, at, width, 0.0f);
            load_chunk(v[h], x_row, at, width, 0.0f);
            load_chunk(w, weight, at, width, 0.0f);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                v[h][i] = (v[h][i] - m) * r;
                weight_sums[h][i] += g[h][i] * v[h][i];
                bias_sums[h][i] += g[h][i];
                g[h][i] *= w[i];
                sum += g[h][i];
                dot += g[h][i] * v[h][i];
            }
        }
        for (int at = beyond; at < width; at += BLOCK * CHUNK) {
            load_chunk(p, dy_row, at, width, 0.0f);
            load_chunk(q, x_row, at, width, 0.0f);
            load_chunk(w, weight, at, width, 0.0f);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                q[i] = (q[i] - m) * r;
                sum += p[i] * w[i];
                dot += p[i] * w[i] * q[i];
                if (at + i >= width) continue;
                weight_partials[at + i] = (row == first_row ? 0.0f : weight_partials[at + i]) + p[i] * q[i];
                if (bias_partials == nullptr) continue;
                bias_partials[at + i] = (row == first_row ? 0.0f : bias_partials[at + i]) + p[i];
            }
        }
        sum = block_sum(sum, scratch) / width;
        dot = block_sum(dot, scratch) / width;

        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) g[h][i] = (g[h][i] - sum - v[h][i] * dot) * r;
            store_chunk(dx_row, first + h * BLOCK * CHUNK, width, g[h]);
        }
        for (int at = beyond; at < width; at += BLOCK * CHUNK) {
            load_chunk(p, dy_row, at, width, 0.0f);
            load_chunk(q, x_row, at, width, 0.0f);
            load_chunk(w, weight, at, width, 0.0f);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) p[i] = (p[i] * w[i] - sum - (q[i] - m) * r * dot) * r;
            store_chunk(dx_row, at, width, p);
        }
    }

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        int at = first + h * BLOCK * CHUNK;
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (at + i >= width) continue;
            weight_partials[at + i] = weight_sums[h][i];
            if (bias_partials != nullptr) bias_partials[at + i] = bias_sums[h][i];
        }
    }
}
