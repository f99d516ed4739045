// Tiles in shared memory for the fused rung: 256 threads as 16 by 16, each with every sixteenth row and column.
// Macros: ELEMENT; HEAD_SIZE; TILE, positions of a tile, a multiple of 16.
#pragma once
#include "attention.cuh"

static constexpr int SIDE = 16;
static constexpr int THREADS = SIDE * SIDE;
// Kernels promise one block a multiprocessor: without a promise ptxas spills a few registers to fit one block more.
static constexpr int ROWS = TILE / SIDE;
// Columns of a tile, zero from HEAD_SIZE on, and of each thread.
static constexpr int PADDED = (HEAD_SIZE + SIDE - 1) / SIDE * SIDE;
static constexpr int COLUMNS = PADDED / SIDE;
// Odd, so that equal columns of sixteen rows lie in sixteen banks.
static constexpr int STRIDE = PADDED + 1;
static constexpr int SCORE_STRIDE = TILE + 1;

DEVICE int thread_row(int r) { return threadIdx.x / SIDE + SIDE * r; }
DEVICE int thread_column(int c) { return threadIdx.x % SIDE + SIDE * c; }

// Rows of a head into shared memory, zeros where there are none.
DEVICE void load_tile(float *tile, const Element *rows, int width, int count) {
    for (int i = threadIdx.x; i < TILE * PADDED; i += THREADS) {
        int r = i / PADDED, c = i % PADDED;
        tile[r * STRIDE + c] = r < count && c < HEAD_SIZE ? to_float(rows[(long long) r * width + c]) : 0;
    }
}

// s[r][c] = the product of row r of a and row c of b.
DEVICE void multiply_rows(float (&s)[ROWS][ROWS], const float *a, const float *b) {
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) {
        HOT_LOOP
        for (int c = 0; c < ROWS; c++) s[r][c] = 0;
    }
    for (int d = 0; d < HEAD_SIZE; d++) {
        float y[ROWS];
        HOT_LOOP
        for (int c = 0; c < ROWS; c++) y[c] = b[thread_column(c) * STRIDE + d];
        HOT_LOOP
        for (int r = 0; r < ROWS; r++) {
            float x = a[thread_row(r) * STRIDE + d];
            HOT_LOOP
            for (int c = 0; c < ROWS; c++) s[r][c] = fmaf(x, y[c], s[r][c]);
        }
    }
}

// sums += W rows, with W[r, k] at weights[r * row_step + k * step].
DEVICE void add_weighted(float (&sums)[ROWS][COLUMNS], const float *weights, int row_step, int step,
                         const float *rows) {
    for (int k = 0; k < TILE; k++) {
        float y[COLUMNS];
        HOT_LOOP
        for (int c = 0; c < COLUMNS; c++) y[c] = rows[k * STRIDE + thread_column(c)];
        HOT_LOOP
        for (int r = 0; r < ROWS; r++) {
            float x = weights[thread_row(r) * row_step + k * step];
            HOT_LOOP
            for (int c = 0; c < COLUMNS; c++) sums[r][c] = fmaf(x, y[c], sums[r][c]);
        }
    }
}

DEVICE void store_tile(const float (&sums)[ROWS][COLUMNS], const float (&factors)[ROWS], Element *rows, int width,
                       int count) {
    HOT_LOOP
    for (int r = 0; r < ROWS; r++) {
        HOT_LOOP
        for (int c = 0; c < COLUMNS; c++) {
            if (thread_row(r) < count && thread_column(c) < HEAD_SIZE) {
                Element *to = rows + (long long) thread_row(r) * width + thread_column(c);
                *to = from_float<Element>(sums[r][c] * factors[r]);
            }
        }
    }
}
