// What all kernels of the ladder share: their parameters, and the end of a product,
//     C = f(alpha op(A) op(B) + beta C + bias).
// Macros: ELEMENT (float, f16 or bf16), TRANSPOSE_A and TRANSPOSE_B (0 or 1), EPILOGUE (the name of f), and BM and BN:
// a block computes a tile of BM x BN elements of C.
#pragma once
#include "curves.cuh"

#define PARAMETERS const ELEMENT *__restrict__ a, const ELEMENT *__restrict__ b, const ELEMENT *__restrict__ bias, \
    ELEMENT *__restrict__ c, int m, int n, int k, float alpha, float beta

// op(A) is [m, k] and op(B), transposed, is [n, k]. Seen so, both operands are the same thing: rows along m or n of
// elements along k, which lie in memory either with k contiguous or with the rows' index contiguous.
const bool A_K_CONTIGUOUS = !TRANSPOSE_A;
const bool B_K_CONTIGUOUS = TRANSPOSE_B;

// Where element p of row i lies.
template <bool K_CONTIGUOUS> DEVICE size_t offset(int i, int p, int rows, int k) {
    return K_CONTIGUOUS ? (size_t) i * k + p : (size_t) p * rows + i;
}

// Tiles are taken in bands of 8 rows of tiles, each band column by column: what runs at the same time then needs a
// nearly square piece of C, whose operands stay in the L2 cache.
DEVICE void locate_tile(int index, int tiles_m, int tiles_n, int &row, int &column) {
    const int BAND = 8;
    int first = index / (BAND * tiles_n) * BAND;
    int height = min(BAND, tiles_m - first);
    int within = index - first * tiles_n;
    row = first + within % height;
    column = within / height;
}

// Whether 16-byte accesses to a matrix never straddle its rows: it begins at a multiple of 16 bytes, as do its rows.
DEVICE bool is_aligned(const ELEMENT *matrix, int width) {
    return ((size_t) matrix | (size_t) width * sizeof(ELEMENT)) % 16 == 0;
}

template <bool K_CONTIGUOUS> DEVICE bool is_aligned(const ELEMENT *matrix, int rows, int k) {
    return is_aligned(matrix, K_CONTIGUOUS ? k : rows);
}

DEVICE float none(float x) { return x; }

// One element of the result from its sum. `c` and `bias` point at the element's own; beta 0 never reads C.
DEVICE float finish(float sum, const ELEMENT *c, const ELEMENT *bias, float alpha, float beta) {
    float x = alpha * sum;
    if (beta != 0.0f) x += beta * to_float(*c);
    if (bias != nullptr) x += to_float(*bias);
    return EPILOGUE(x);
}

// Writes C[i, j], if there is such an element.
DEVICE void write_element(float sum, int i, int j, ELEMENT *c, const ELEMENT *bias, int m, int n,
                          float alpha, float beta) {
    if (i >= m || j >= n) return;
    ELEMENT *to = c + (size_t) i * n + j;
    *to = from_float<ELEMENT>(finish(sum, to, bias == nullptr ? bias : bias + j, alpha, beta));
}

// What one 16-byte access moves.
struct alignas(16) Chunk { ELEMENT element[Wide<ELEMENT>::count]; };

// Writes as many elements of row i of C, from column j on, as 16 bytes hold: at once if C is `aligned`.
DEVICE void write_chunk(const float (&sum)[Wide<ELEMENT>::count], int i, int j, ELEMENT *c, const ELEMENT *bias,
                        int m, int n, float alpha, float beta, bool aligned) {
    if (i >= m || j >= n) return;
    const int COUNT = Wide<ELEMENT>::count;
    ELEMENT *to = c + (size_t) i * n + j;
    int inside = min(COUNT, n - j);
    Chunk chunk = {};
    if (beta != 0.0f && aligned) chunk = *(const Chunk *) to;
    HOT_LOOP
    for (int q = 0; q < COUNT; q++) {
        if (beta != 0.0f && !aligned && q < inside) chunk.element[q] = to[q];
        const ELEMENT *added = bias != nullptr && q < inside ? bias + j + q : nullptr;
        chunk.element[q] = from_float<ELEMENT>(finish(sum[q], &chunk.element[q], added, alpha, beta));
        if (!aligned && q < inside) to[q] = chunk.element[q];
    }
    if (aligned) *(Chunk *) to = chunk;
}
