// Layer norm, a block a row, or a warp where a row is short. Over warp: 16 bytes an access, and each thread holds its
// first HELD chunks of the row in registers, so that a row that fits is read once. Backward, the threads of a row take
// one row of `each` after the other, and the sums over them for the gradients of weight and bias stay in registers too:
// dy and x are read once for all gradients.
#include "held.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
layer_norm_forward(const ELEMENT *x, const ELEMENT *weight, const ELEMENT *bias, ELEMENT *y, float *mean, float *rstd,
                   int rows, int width, float eps) {
    __shared__ float scratch[2][1][32];
    int row = blockIdx.x * ROWS + threadIdx.x / LANES;
    if (row >= rows) return; // a whole warp, and no barrier follows
    bool whole = whole_rows(x, width) && whole_rows(weight, width) && whole_rows(y, width)
                 && (bias == nullptr || whole_rows(bias, width));
    x += (long long) row * width;
    y += (long long) row * width;
    int first = (int) threadIdx.x % LANES * CHUNK, beyond = first + HELD * STRIDE;
    uint4 held[HELD];
    float v[CHUNK], w[CHUNK], b[CHUNK] = {}, sum = 0.0f;

    hold(held, x, first, width, whole, 0.0f);
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        widen(v, held[h]);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) sum += v[i];
    }
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of(x, at, width, whole, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) sum += v[i];
    }
    float m = row_sum(sum, scratch[0]) / width;

    float squares = 0.0f;
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        forget(held[h]);
        widen(v, held[h]);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (first + h * STRIDE + i < width) squares += (v[i] - m) * (v[i] - m);
        }
    }
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of(x, at, width, whole, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (at + i < width) squares += (v[i] - m) * (v[i] - m);
        }
    }
    float r = rsqrtf(row_sum(squares, scratch[1]) / width + eps);

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        int at = first + h * STRIDE;
        if (at >= width) continue;
        forget(held[h]);
        widen(v, held[h]);
        widen(w, chunk_of(weight, at, width, whole, 0.0f));
        if (bias != nullptr) widen(b, chunk_of(bias, at, width, whole, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] = (v[i] - m) * r * w[i] + b[i];
        put_chunk(y, at, width, whole, v);
    }
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of(x, at, width, whole, 0.0f));
        widen(w, chunk_of(weight, at, width, whole, 0.0f));
        if (bias != nullptr) widen(b, chunk_of(bias, at, width, whole, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] = (v[i] - m) * r * w[i] + b[i];
        put_chunk(y, at, width, whole, v);
    }
    if (threadIdx.x % LANES == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

// Partial sums of the gradients of weight and bias go to arrays [blocks, width]; bias_partials may be null.
extern "C" __global__ void __launch_bounds__(BLOCK)
layer_norm_backward(const ELEMENT *dy, const ELEMENT *x, const ELEMENT *weight, const float *mean, const float *rstd,
                    ELEMENT *dx, float *weight_partials, float *bias_partials, int rows, int width, int each) {
    __shared__ float scratch[2][2][32];
    __shared__ float totals[ROWS > 1 ? HELD * STRIDE : 1];
    int first_row = blockIdx.x * each, end = min(rows, first_row + each);
    bool whole = whole_rows(dy, width) && whole_rows(x, width) && whole_rows(weight, width) && whole_rows(dx, width);
    weight_partials += (long long) blockIdx.x * width;
    if (bias_partials != nullptr) bias_partials += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x % LANES * CHUNK, beyond = first + HELD * STRIDE;
    uint4 dy_held[HELD], x_held[HELD], weight_held[HELD];
    float weight_sums[HELD][CHUNK] = {}, bias_sums[HELD][CHUNK] = {}, g[CHUNK], v[CHUNK], w[CHUNK];
    hold(weight_held, weight, first, width, whole, 0.0f);

    for (int row = first_row + (int) threadIdx.x / LANES; row < end; row += ROWS) {
        const ELEMENT *dy_row = dy + (long long) row * width, *x_row = x + (long long) row * width;
        ELEMENT *dx_row = dx + (long long) row * width;
        hold(dy_held, dy_row, first, width, whole, 0.0f);
        hold(x_held, x_row, first, width, whole, 0.0f);
        float m = mean[row], r = rstd[row], sums[2] = {};
        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            widen(g, dy_held[h]);
            widen(v, x_held[h]);
            widen(w, weight_held[h]);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                v[i] = (v[i] - m) * r;
                weight_sums[h][i] += g[i] * v[i];
                bias_sums[h][i] += g[i];
                sums[0] += g[i] * w[i];
                sums[1] += g[i] * w[i] * v[i];
            }
        }
        for (int at = beyond; at < width; at += STRIDE) {
            widen(g, chunk_of(dy_row, at, width, whole, 0.0f));
            widen(v, chunk_of(x_row, at, width, whole, 0.0f));
            widen(w, chunk_of(weight, at, width, whole, 0.0f));
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                v[i] = (v[i] - m) * r;
                sums[0] += g[i] * w[i];
                sums[1] += g[i] * w[i] * v[i];
                if (at + i >= width) continue;
                weight_partials[at + i] = (row == first_row ? 0.0f : weight_partials[at + i]) + g[i] * v[i];
                if (bias_partials == nullptr) continue;
                bias_partials[at + i] = (row == first_row ? 0.0f : bias_partials[at + i]) + g[i];
            }
        }
        row_sums(sums, scratch[row % 2]);
        float sum = sums[0] / width, dot = sums[1] / width;

        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            int at = first + h * STRIDE;
            if (at >= width) continue;
            forget(dy_held[h]);
            forget(x_held[h]);
            forget(weight_held[h]);
            widen(g, dy_held[h]);
            widen(v, x_held[h]);
            widen(w, weight_held[h]);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) g[i] = (g[i] * w[i] - sum - (v[i] - m) * r * dot) * r;
            put_chunk(dx_row, at, width, whole, g);
        }
        for (int at = beyond; at < width; at += STRIDE) {
            widen(g, chunk_of(dy_row, at, width, whole, 0.0f));
            widen(v, chunk_of(x_row, at, width, whole, 0.0f));
            widen(w, chunk_of(weight, at, width, whole, 0.0f));
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) g[i] = (g[i] * w[i] - sum - (v[i] - m) * r * dot) * r;
            put_chunk(dx_row, at, width, whole, g);
        }
    }
    store_column_sums(weight_sums, totals, weight_partials, width);
    if (bias_partials != nullptr) store_column_sums(bias_sums, totals, bias_partials, width);
}
