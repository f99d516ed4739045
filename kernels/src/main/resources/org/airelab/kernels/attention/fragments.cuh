// Scores as the tensor cores leave them to a warp's threads, and their softmax: what the rungs mma and wgmma share.
#pragma once
#include "attention.cuh"

DEVICE int lane() { return threadIdx.x % 32; }
// Where fragment n, eight columns of a warp's sixteen rows, holds a thread's four elements: two neighbours of a row,
// and two of the row eight below.
DEVICE int fragment_row(int e) { return lane() / 4 + 8 * (e / 2); }
DEVICE int fragment_column(int n, int e) { return 8 * n + lane() % 4 * 2 + e % 2; }

// The maximum and the sum over the four lanes that share rows.
DEVICE float quad_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

DEVICE float quad_sum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// Hides from the queries, `own` the warp's first, the keys from `key` on that lie past the end or in the future.
template <int N> DEVICE void mask(float (&s)[N][4], int own, int key, int time, bool causal) {
    HOT_LOOP
    for (int n = 0; n < N; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) {
            int at = key + fragment_column(n, e);
            if (at >= time || (causal && at > own + fragment_row(e))) s[n][e] = -infinity();
        }
    }
}

// The running softmax of a thread's two rows; sums are of this thread's columns alone until the end.
struct Softmax {
    float max[2] = {-infinity(), -infinity()}, sum[2] = {0, 0};

    // Turns scores into probabilities under the new maxima. By `shrink` what was summed up before comes to them.
    // The scale holds the factor log2(e), as powers are of two.
    template <int N> DEVICE void take(float (&s)[N][4], float (&shrink)[2], float scale) {
        HOT_LOOP
        for (int row = 0; row < 2; row++) {
            float highest = max[row];
            HOT_LOOP
            for (int n = 0; n < N; n++) highest = fmaxf(highest, fmaxf(s[n][2 * row], s[n][2 * row + 1]));
            highest = quad_max(highest);
            // A row that has seen nothing but -infinity must not subtract it from itself.
            float shift = highest == -infinity() ? 0 : highest * scale;
            shrink[row] = exp2_flushed(max[row] * scale - shift);
            max[row] = highest;
            sum[row] *= shrink[row];
            HOT_LOOP
            for (int n = 0; n < N; n++) {
                HOT_LOOP
                for (int e = 2 * row; e < 2 * row + 2; e++) {
                    s[n][e] = exp2_flushed(fmaf(s[n][e], scale, -shift));
                    sum[row] += s[n][e];
                }
            }
        }
    }

    // Adds up the quad's sums and writes the log-sum-exps of the warp's rows, of which the first is at `own`.
    DEVICE void finish(float *lse, int own, int time, float scale) {
        HOT_LOOP
        for (int row = 0; row < 2; row++) {
            sum[row] = quad_sum(sum[row]);
            int position = own + fragment_row(2 * row);
            if (lane() % 4 == 0 && position < time) lse[position] = max[row] * scale + logf(sum[row]);
        }
    }
};

// Multiplies a thread's two rows by a factor each.
template <int N> DEVICE void scale_rows(float (&sums)[N][4], const float (&by)[2]) {
    HOT_LOOP
    for (int n = 0; n < N; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) sums[n][e] *= by[e / 2];
    }
}
