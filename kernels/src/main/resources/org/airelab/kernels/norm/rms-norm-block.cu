// Root mean square norm, a block a row, or a warp where a row is short. Over warp: 16 bytes an access, and each thread
// holds its first HELD chunks of the row in registers, so that a row that fits is read once. Backward, the threads of a
// row take one row of `each` after the other, and the sums over them for the weight's gradient stay in registers too: dy
// and x are read once for both gradients.
#include "held.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
rms_norm_forward(const ELEMENT *x, const ELEMENT *weight, ELEMENT *y, float *rstd, int rows, int width, float eps) {
    __shared__ float scratch[1][32];
    int row = blockIdx.x * ROWS + threadIdx.x / LANES;
    if (row >= rows) return; // a whole warp, and no barrier follows
    bool whole = whole_rows(x, width) && whole_rows(weight, width) && whole_rows(y, width);
    x += (long long) row * width;
    y += (long long) row * width;
    int first = (int) threadIdx.x % LANES * CHUNK, beyond = first + HELD * STRIDE;
    uint4 held[HELD];
    float v[CHUNK], w[CHUNK], squares = 0.0f;

    hold(held, x, first, width, whole, 0.0f);
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        widen(v, held[h]);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) squares += v[i] * v[i];
    }
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of(x, at, width, whole, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) squares += v[i] * v[i];
    }
    float r = rsqrtf(row_sum(squares, scratch) / width + eps);

    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        int at = first + h * STRIDE;
        if (at >= width) continue;
        forget(held[h]);
        widen(v, held[h]);
        widen(w, chunk_of(weight, at, width, whole, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] *= r * w[i];
        put_chunk(y, at, width, whole, v);
    }
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of(x, at, width, whole, 0.0f));
        widen(w, chunk_of(weight, at, width, whole, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] *= r * w[i];
        put_chunk(y, at, width, whole, v);
    }
    if (threadIdx.x % LANES == 0) rstd[row] = r;
}

// Partial sums of the weight's gradient go to partials [blocks, width].
extern "C" __global__ void __launch_bounds__(BLOCK)
rms_norm_backward(const ELEMENT *dy, const ELEMENT *x, const ELEMENT *weight, const float *rstd, ELEMENT *dx,
                  float *partials, int rows, int width, int each) {
    __shared__ float scratch[2][1][32];
    __shared__ float totals[ROWS > 1 ? HELD * STRIDE : 1];
    int first_row = blockIdx.x * each, end = min(rows, first_row + each);
    bool whole = whole_rows(dy, width) && whole_rows(x, width) && whole_rows(weight, width) && whole_rows(dx, width);
    partials += (long long) blockIdx.x * width;
    int first = (int) threadIdx.x % LANES * CHUNK, beyond = first + HELD * STRIDE;
    uint4 dy_held[HELD], x_held[HELD], weight_held[HELD];
    float sums[HELD][CHUNK] = {}, g[CHUNK], v[CHUNK], w[CHUNK];
    hold(weight_held, weight, first, width, whole, 0.0f);

    for (int row = first_row + (int) threadIdx.x / LANES; row < end; row += ROWS) {
        const ELEMENT *dy_row = dy + (long long) row * width, *x_row = x + (long long) row * width;
        ELEMENT *dx_row = dx + (long long) row * width;
        hold(dy_held, dy_row, first, width, whole, 0.0f);
        hold(x_held, x_row, first, width, whole, 0.0f);
        float r = rstd[row], dot = 0.0f;
        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            widen(g, dy_held[h]);
            widen(v, x_held[h]);
            widen(w, weight_held[h]);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                sums[h][i] += g[i] * (v[i] * r);
                dot += g[i] * w[i] * v[i];
            }
        }
        for (int at = beyond; at < width; at += STRIDE) {
            widen(g, chunk_of(dy_row, at, width, whole, 0.0f));
            widen(v, chunk_of(x_row, at, width, whole, 0.0f));
            widen(w, chunk_of(weight, at, width, whole, 0.0f));
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                dot += g[i] * w[i] * v[i];
                if (at + i < width) partials[at + i] = (row == first_row ? 0.0f : partials[at + i]) + g[i] * v[i] * r;
            }
        }
        float c = row_sum(dot, scratch[row % 2]) * r * r * r / width;

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
            for (int i = 0; i < CHUNK; i++) g[i] = g[i] * w[i] * r - v[i] * c;
            put_chunk(dx_row, at, width, whole, g);
        }
        for (int at = beyond; at < width; at += STRIDE) {
            widen(g, chunk_of(dy_row, at, width, whole, 0.0f));
            widen(v, chunk_of(x_row, at, width, whole, 0.0f));
            widen(w, chunk_of(weight, at, width, whole, 0.0f));
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) g[i] = g[i] * w[i] * r - v[i] * c;
            put_chunk(dx_row, at, width, whole, g);
        }
    }
    store_column_sums(sums, totals, partials, width);
}
