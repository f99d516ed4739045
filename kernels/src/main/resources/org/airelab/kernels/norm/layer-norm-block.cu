// Layer norm, a block a row, or a warp where a row is short. Over warp: 16 bytes an access, and each thread holds its
// first HELD chunks of the row in registers, all of whose loads are under way at once, so that a row that fits is read
// once. Backward, a block takes several rows, the next on its way while it works on one where there are registers, and
// the sums over them for the gradients of weight and bias stay there too: dy and x are read once for all gradients. On
// an NVIDIA H100, 8192 x 4096 of bfloat16: forward 48.5 us at 2772 GB/s (warp 136), backward 74.6 us at 2699 GB/s
// (warp 241).
#include "sums.cuh"

#ifndef RESIDENT // compiled apart, as forward and backward share out rows differently
template <bool WHOLE>
DEVICE void forward(const ELEMENT *x, const ELEMENT *added, ELEMENT *sum, const ELEMENT *weight, const ELEMENT *bias,
                    ELEMENT *y, float *mean, float *rstd, int row, int width, float eps, float (&scratch)[2][1][32]) {
    x += (long long) row * width;
    if (!SUM) y += (long long) row * width;
    int first = (int) threadIdx.x % LANES * CHUNK, beyond = WHOLE ? first + HELD * STRIDE : first;
    uint4 held[HELD], weights[HELD];
    float v[CHUNK], w[CHUNK], b[CHUNK] = {}, total = 0.0f;

    if (WHOLE) hold<WHOLE>(held, x, first, width, 0.0f);
    if (SUM) {
        sum += (long long) row * width;
        add_row<WHOLE>(held, x, added + (long long) row * width, sum, first, beyond, width);
        x = sum;
    }
    if (WHOLE) hold<WHOLE>(weights, weight, first, width, 0.0f); // on its way during the reductions
    HOT_LOOP
    for (int h = 0; WHOLE && h < HELD; h++) {
        widen(v, held[h]);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) total += v[i];
    }
    COLD_LOOP
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of<WHOLE>(x, at, width, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) total += v[i];
    }
    float m = row_sum(total, scratch[0]) / width;

    float squares = 0.0f;
    HOT_LOOP
    for (int h = 0; WHOLE && h < HELD; h++) {
        forget(held[h]);
        widen(v, held[h]);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (first + h * STRIDE < width) squares += (v[i] - m) * (v[i] - m);
        }
    }
    COLD_LOOP
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of<WHOLE>(x, at, width, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (at + i < width) squares += (v[i] - m) * (v[i] - m);
        }
    }
    float r = rsqrtf(row_sum(squares, scratch[1]) / width + eps);
    if (SUM) { // y's address is formed only now: from the beginning on there are no registers for it for sm_80
        uint4 late = make_uint4(row, 0, 0, 0);
        forget(late);
        y += (long long) (int) late.x * width;
    }

    HOT_LOOP
    for (int h = 0; WHOLE && h < HELD; h++) {
        int at = first + h * STRIDE;
        if (at >= width) continue;
        forget(held[h]);
        widen(v, held[h]);
        widen(w, weights[h]);
        if (bias != nullptr) widen(b, chunk_of<WHOLE>(bias, at, width, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] = (v[i] - m) * r * w[i] + b[i];
        put_chunk<WHOLE>(y, at, width, v);
    }
    COLD_LOOP
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of<WHOLE>(x, at, width, 0.0f));
        widen(w, chunk_of<WHOLE>(weight, at, width, 0.0f));
        if (bias != nullptr) widen(b, chunk_of<WHOLE>(bias, at, width, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] = (v[i] - m) * r * w[i] + b[i];
        put_chunk<WHOLE>(y, at, width, v);
    }
    if (threadIdx.x % LANES == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK, 1024 / BLOCK)
layer_norm_forward(const ELEMENT *x, const ELEMENT *added, ELEMENT *sum, const ELEMENT *weight, const ELEMENT *bias,
                   ELEMENT *y, float *mean, float *rstd, int rows, int width, float eps) {
    __shared__ float scratch[2][1][32];
    int row = blockIdx.x * ROWS + threadIdx.x / LANES;
    if (row >= rows) return; // a whole warp, and no barrier follows
    bool whole = whole_rows(x, width) && whole_rows(weight, width) && whole_rows(y, width)
                 && (bias == nullptr || whole_rows(bias, width))
                 && (!SUM || whole_rows(added, width) && whole_rows(sum, width));
    if (whole) forward<true>(x, added, sum, weight, bias, y, mean, rstd, row, width, eps, scratch);
    else forward<false>(x, added, sum, weight, bias, y, mean, rstd, row, width, eps, scratch);
}

#else
// Whether there are registers for the next row, loaded while a thread works on one.
const bool AHEAD = HELD <= 2;
// When the gradient of the sum is loaded: with the rest of the row where there are registers for it too; before the
// reduction, during which it is on its way, where a thread has 128; or where it is added.
const bool LATE = BLOCK * RESIDENT > 384;
#if __CUDA_ARCH__ < 900
const bool LAST = HELD == 4; // ptxas needs more registers for sm_80
#else
const bool LAST = false;
#endif

// A block takes rows a grid apart. WHOLE as in held.cuh; other rows are read again, not held.
template <bool WHOLE>
DEVICE void backward(const ELEMENT *dy, const ELEMENT *d_sum, const ELEMENT *x, const ELEMENT *weight,
                     const float *mean, const float *rstd, ELEMENT *dx, float *weight_partials, float *bias_partials,
                     float (&weight_sums)[HELD][CHUNK], float (&bias_sums)[HELD][CHUNK], int rows, int width,
                     float (&scratch)[2][2][32]) {
    int first = (int) threadIdx.x % LANES * CHUNK, beyond = first + HELD * STRIDE;
    int first_row = blockIdx.x * ROWS + threadIdx.x / LANES, step = gridDim.x * ROWS, turn = 0;
    uint4 dy_held[HELD], x_held[HELD], weights[HELD], dy_next[HELD], x_next[HELD], beside[HELD];
    float g[CHUNK], v[CHUNK], w[CHUNK], m_next = 0.0f, r_next = 0.0f;
    if (WHOLE) hold<WHOLE>(weights, weight, first, width, 0.0f);
    if (WHOLE && AHEAD && first_row < rows) {
        hold<WHOLE>(dy_next, dy + (long long) first_row * width, first, width, 0.0f);
        hold<WHOLE>(x_next, x + (long long) first_row * width, first, width, 0.0f);
        m_next = mean[first_row];
        r_next = rstd[first_row];
    }

    for (int row = first_row; row < rows; row += step) {
        const ELEMENT *dy_row = dy + (long long) row * width, *x_row = x + (long long) row * width;
        const ELEMENT *d_sum_row = SUM ? d_sum + (long long) row * width : nullptr;
        ELEMENT *dx_row = dx + (long long) row * width;
        if (SUM && WHOLE && !LATE && !LAST) hold<WHOLE>(beside, d_sum_row, first, width, 0.0f);
        float m = m_next, r = r_next, sums[2] = {};
        if (WHOLE && AHEAD) {
            HOT_LOOP
            for (int h = 0; h < HELD; h++) {
                dy_held[h] = dy_next[h];
                x_held[h] = x_next[h];
            }
            if (row + step < rows) {
                hold<WHOLE>(dy_next, dy_row + (long long) step * width, first, width, 0.0f);
                hold<WHOLE>(x_next, x_row + (long long) step * width, first, width, 0.0f);
                m_next = mean[row + step];
                r_next = rstd[row + step];
            }
        } else {
            if (WHOLE) hold<WHOLE>(dy_held, dy_row, first, width, 0.0f);
            if (WHOLE) hold<WHOLE>(x_held, x_row, first, width, 0.0f);
            m = mean[row];
            r = rstd[row];
        }
        HOT_LOOP
        for (int h = 0; h < HELD; h++) {
            int at = first + h * STRIDE;
            if (!WHOLE && at >= width) continue;
            widen(g, WHOLE ? dy_held[h] : chunk_of<WHOLE>(dy_row, at, width, 0.0f));
            widen(v, WHOLE ? x_held[h] : chunk_of<WHOLE>(x_row, at, width, 0.0f));
            widen(w, WHOLE ? weights[h] : chunk_of<WHOLE>(weight, at, width, 0.0f));
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) {
                v[i] = (v[i] - m) * r;
                weight_sums[h][i] += g[i] * v[i];
                bias_sums[h][i] += g[i];
                g[i] *= w[i];
                sums[0] += g[i];
                sums[1] += g[i] * v[i];
            }
        }
        COLD_LOOP
        for (int at = beyond; ROWS == 1 && at < width; at += STRIDE) {
            widen(g, chunk_of<WHOLE>(dy_row, at, width, 0.0f));
            widen(v, chunk_of<WHOLE>(x_row, at, width, 0.0f));
            widen(w, chunk_of<WHOLE>(weight, at, width, 0.0f));
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
        if (SUM && WHOLE && LATE) hold<WHOLE>(beside, d_sum_row, first, width, 0.0f);
        row_sums(sums, scratch[turn]);
        turn ^= 1;
        float shift = sums[0] / width * r, slope = sums[1] / width * r;

        HOT_LOOP
        for (int h = 0; WHOLE && h < HELD; h++) {
            int at = first + h * STRIDE;
            if (at >= width) continue;
            forget(dy_held[h]);
            forget(x_held[h]);
            forget(weights[h]);
            widen(g, dy_held[h]);
            widen(v, x_held[h]);
            widen(w, weights[h]);
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) g[i] = g[i] * w[i] * r - shift - (v[i] - m) * r * slope;
            if (SUM) add_chunk(g, LAST ? chunk_of<WHOLE>(d_sum_row, at, width, 0.0f) : beside[h]);
            put_chunk<WHOLE>(dx_row, at, width, g);
        }
        COLD_LOOP
        for (int at = WHOLE ? beyond : first; (!WHOLE || ROWS == 1) && at < width; at += STRIDE) {
            widen(g, chunk_of<WHOLE>(dy_row, at, width, 0.0f));
            widen(v, chunk_of<WHOLE>(x_row, at, width, 0.0f));
            widen(w, chunk_of<WHOLE>(weight, at, width, 0.0f));
            HOT_LOOP
            for (int i = 0; i < CHUNK; i++) g[i] = g[i] * w[i] * r - shift - (v[i] - m) * r * slope;
            if (SUM) add_chunk(g, chunk_of<WHOLE>(d_sum_row, at, width, 0.0f));
            put_chunk<WHOLE>(dx_row, at, width, g);
        }
    }
}

// Partial sums of the gradients of weight and bias go to arrays [blocks, width]; bias_partials may be null.
extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
layer_norm_backward(const ELEMENT *dy, const ELEMENT *d_sum, const ELEMENT *x, const ELEMENT *weight, const float *mean,
                    const float *rstd, ELEMENT *dx, float *weight_partials, float *bias_partials, int rows, int width) {
    __shared__ float scratch[2][2][32];
    __shared__ __align__(16) float totals[BLOCK * HELD * CHUNK];
    bool whole = whole_rows(dy, width) && whole_rows(x, width) && whole_rows(weight, width) && whole_rows(dx, width)
                 && (!SUM || whole_rows(d_sum, width));
    float weight_sums[HELD][CHUNK] = {}, bias_sums[HELD][CHUNK] = {};
    weight_partials += (long long) blockIdx.x * width;
    if (bias_partials != nullptr) bias_partials += (long long) blockIdx.x * width;
    if (whole) {
        backward<true>(dy, d_sum, x, weight, mean, rstd, dx, weight_partials, bias_partials, weight_sums, bias_sums,
                       rows, width, scratch);
    } else {
        backward<false>(dy, d_sum, x, weight, mean, rstd, dx, weight_partials, bias_partials, weight_sums, bias_sums,
                        rows, width, scratch);
    }
    store_column_sums(weight_sums, totals, weight_partials, width);
    if (bias_partials != nullptr) store_column_sums(bias_sums, totals, bias_partials, width);
}
#endif
