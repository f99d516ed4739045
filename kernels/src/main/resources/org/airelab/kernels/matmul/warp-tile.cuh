// What a warp computes in the rungs warptiled and pipelined: WM x WN = 32 x 64 elements of C. Its lanes stand in 4 rows
// of 8, and each takes 8 x 8 elements as 2 x 2 pieces of 4 x 4 that lie 16 rows and 32 columns apart: the 8 lanes of a
// row then read 32 neighbours of B, one from each bank, and the lanes of a column share what they read of A.
#pragma once
#include "tiles.cuh"

const int WM = 32;
const int WN = 64;
const int BK = 16;
const int THREADS = BM * BN / (WM * WN) * 32;
const int PITCH_A = BM + 4;
const int PITCH_B = BN + 4;
const int STEP_M = WM / 2;
const int STEP_N = WN / 2;

// Row and column, within the block's tile, of the first element that this thread computes.
DEVICE int thread_row() { return threadIdx.x / 32 / (BN / WN) * WM + threadIdx.x % 32 / 8 * 4; }
DEVICE int thread_column() { return threadIdx.x / 32 % (BN / WN) * WN + threadIdx.x % 8 * 4; }

// Adds the products of a pair of tiles.
DEVICE void accumulate(float (&sum)[8][2][4], const float *a_tile, const float *b_tile, int i, int j) {
    HOT_LOOP
    for (int p = 0; p < BK; p++) {
        float a_value[8];
        float b_value[8];
        load_4(&a_value[0], &a_tile[p * PITCH_A + i]);
        load_4(&a_value[4], &a_tile[p * PITCH_A + i + STEP_M]);
        load_4(&b_value[0], &b_tile[p * PITCH_B + j]);
        load_4(&b_value[4], &b_tile[p * PITCH_B + j + STEP_N]);
        HOT_LOOP
        for (int y = 0; y < 8; y++) {
            HOT_LOOP
            for (int x = 0; x < 8; x++) sum[y][x / 4][x % 4] += a_value[y] * b_value[x];
        }
    }
}

// Writes what this thread computed; i and j are counted in C.
DEVICE void write_sums(const float (&sum)[8][2][4], int i, int j, ELEMENT *c, const ELEMENT *bias, int m, int n,
                       float alpha, float beta) {
    bool aligned = is_aligned(c, n);
    HOT_LOOP
    for (int y = 0; y < 8; y++) {
        HOT_LOOP
        for (int h = 0; h < 2; h++) {
            write_chunk(sum[y][h], i + y % 4 + y / 4 * STEP_M, j + h * STEP_N, c, bias, m, n, alpha, beta, aligned);
        }
    }
}
