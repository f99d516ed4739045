// Copies of an operand's tiles into shared memory, for the float32 rungs. A tile is kept as [DEPTH][PITCH], k
// outermost, however the operand lies in memory; rows and elements beyond the operand's ends become zeros, which add
// nothing.
#pragma once
#include "matmul.cuh"

// Element by element, neighbours in memory by neighbouring threads. PITCH beyond ROWS spreads a column over the banks.
template <bool K_CONTIGUOUS, int ROWS, int DEPTH, int PITCH, int THREADS>
DEVICE void load_tile(float *tile, const float *matrix, int first_row, int first_p, int rows, int k) {
    HOT_LOOP
    for (int e = threadIdx.x; e < ROWS * DEPTH; e += THREADS) {
        int i = K_CONTIGUOUS ? e / DEPTH : e % ROWS;
        int p = K_CONTIGUOUS ? e % DEPTH : e / ROWS;
        bool inside = first_row + i < rows && first_p + p < k;
        tile[p * PITCH + i] = inside ? matrix[offset<K_CONTIGUOUS>(first_row + i, first_p + p, rows, k)] : 0.0f;
    }
}

// Four neighbours of shared memory at once.
DEVICE void load_4(float *to, const float *from) {
    float4 chunk = *(const float4 *) from;
    to[0] = chunk.x;
    to[1] = chunk.y;
    to[2] = chunk.z;
    to[3] = chunk.w;
}

// The same copy by chunks of four neighbours, read at once if the operand's rows are `aligned` to 16 bytes (a chunk is
// then wholly inside or outside) and one by one if not. A line is what is contiguous in memory: a row, or all rows at
// one k.
template <bool K_CONTIGUOUS, int ROWS, int DEPTH, int PITCH, int THREADS>
DEVICE void load_chunks(float *tile, const float *matrix, int first_row, int first_p, int rows, int k, bool aligned) {
    const int LINES = K_CONTIGUOUS ? ROWS : DEPTH;
    const int CHUNKS = (K_CONTIGUOUS ? DEPTH : ROWS) / 4;
    int lines = K_CONTIGUOUS ? rows : k;
    int width = K_CONTIGUOUS ? k : rows;
    int first_line = K_CONTIGUOUS ? first_row : first_p;
    int x = threadIdx.x % CHUNKS * 4;
    int column = (K_CONTIGUOUS ? first_p : first_row) + x;
    HOT_LOOP
    for (int y = threadIdx.x / CHUNKS; y < LINES; y += THREADS / CHUNKS) {
        const float *from = matrix + (size_t) (first_line + y) * width + column;
        int inside = first_line + y < lines ? width - column : 0;
        float chunk[4] = {};
        if (aligned) {
            if (inside > 0) load_4(chunk, from);
        } else {
            HOT_LOOP
            for (int q = 0; q < 4; q++) if (q < inside) chunk[q] = from[q];
        }
        if (K_CONTIGUOUS) {
            HOT_LOOP
            for (int q = 0; q < 4; q++) tile[(x + q) * PITCH + y] = chunk[q];
        } else {
            *(float4 *) &tile[y * PITCH + x] = make_float4(chunk[0], chunk[1], chunk[2], chunk[3]);
        }
    }
}

// Begins the same copy in pieces of 1 or 4 elements that pass through no register. cp.async cannot transpose a piece of
// 4.
template <bool K_CONTIGUOUS, int PIECE, int ROWS, int DEPTH, int PITCH, int THREADS>
DEVICE void begin_pieces(float *tile, const float *matrix, int first_row, int first_p, int rows, int k) {
    const int LINES = K_CONTIGUOUS ? ROWS : DEPTH;
    const int PIECES = (K_CONTIGUOUS ? DEPTH : ROWS) / PIECE;
    int lines = K_CONTIGUOUS ? rows : k;
    int width = K_CONTIGUOUS ? k : rows;
    int first_line = K_CONTIGUOUS ? first_row : first_p;
    int x = threadIdx.x % PIECES * PIECE;
    int column = (K_CONTIGUOUS ? first_p : first_row) + x;
    HOT_LOOP
    for (int y = threadIdx.x / PIECES; y < LINES; y += THREADS / PIECES) {
        bool inside = first_line + y < lines && column < width;
        const float *from = inside ? matrix + (size_t) (first_line + y) * width + column : matrix;
        float *to = &tile[K_CONTIGUOUS ? x * PITCH + y : y * PITCH + x];
        if (PIECE == 4) cp_async_16(to, from, inside);
        else cp_async_4(to, from, inside);
    }
}

template <bool K_CONTIGUOUS, bool ALIGNED, int ROWS, int DEPTH, int PITCH, int THREADS>
DEVICE void begin_tile(float *tile, const float *matrix, int first_row, int first_p, int rows, int k) {
    const int PIECE = ALIGNED && !K_CONTIGUOUS ? 4 : 1;
    begin_pieces<K_CONTIGUOUS, PIECE, ROWS, DEPTH, PITCH, THREADS>(tile, matrix, first_row, first_p, rows, k);
}
