// Tiles in shared memory and their products by tensor cores for the mma rung: four warps, sixteen positions each.
// Macros: ELEMENT, f16 or bf16; HEAD_SIZE, a multiple of 8; STREAM, positions of the tiles that go by, a
// multiple of 16.
#pragma once
#include "fragments.cuh"

static constexpr int WARPS = 4;
static constexpr int THREADS = 32 * WARPS;
// Kernels promise one block a multiprocessor: without a promise ptxas spills a few registers to fit one block more.
// Positions of the tile that a block holds.
static constexpr int HELD = 16 * WARPS;
// Columns of a tile, zero from HEAD_SIZE on.
static constexpr int WIDTH = (HEAD_SIZE + 15) / 16 * 16;
// An odd number of 16-byte pieces: the eight rows that ldmatrix reads at a time then lie in different banks.
static constexpr int STRIDE = WIDTH + 8;
// Floats of a row that lie behind its columns, where no product reads.
static constexpr int PADDING = 4;
// Fragments, eight columns each, of a tile's width and of the tiles that go by.
static constexpr int WIDE = WIDTH / 8;
static constexpr int SCORES = STREAM / 8;
static constexpr int PIECE = 8; // elements of 16 bytes

DEVICE int warp() { return threadIdx.x / 32; }

// Begins to copy rows of a head into shared memory, zeros where there are none.
template <int ROWS> DEVICE void load_async(Element *tile, const Element *rows, int width, int count) {
    constexpr int PIECES = WIDTH / PIECE;
    for (int i = threadIdx.x; i < ROWS * PIECES; i += THREADS) {
        int r = i / PIECES, c = i % PIECES * PIECE;
        bool valid = r < count && c < HEAD_SIZE;
        cp_async_16(tile + r * STRIDE + c, valid ? rows + (long long) r * width + c : rows, valid);
    }
}

// A float behind a tile's columns, PADDING of them a row.
DEVICE float *padding(Element *tile, int index) {
    return (float *) (tile + index / PADDING * STRIDE + WIDTH) + index % PADDING;
}

DEVICE void mma_pair(float (&low)[4], float (&high)[4], const unsigned (&a)[4], const unsigned (&b)[4]) {
    const unsigned b_low[2] = {b[0], b[1]}, b_high[2] = {b[2], b[3]};
    mma_m16n8k16<Element>(low, a, b_low);
    mma_m16n8k16<Element>(high, a, b_high);
}

// s = the products of this warp's sixteen rows of `held` with the rows of `streamed`.
DEVICE void multiply_rows(float (&s)[SCORES][4], const Element *held, const Element *streamed) {
    HOT_LOOP
    for (int n = 0; n < SCORES; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) s[n][e] = 0;
    }
    const Element *a_row = held + (16 * warp() + lane() % 16) * STRIDE + lane() / 16 * 8;
    const Element *b_row = streamed + (lane() % 8 + lane() / 16 * 8) * STRIDE + lane() / 8 % 2 * 8;
    // Not all sixteen steps of the largest heads: what is loaded ahead would take more registers than there are.
    _Pragma("unroll 8")
    for (int k = 0; k < WIDTH; k += 16) {
        unsigned a[4];
        ldmatrix_x4(a, a_row + k);
        HOT_LOOP
        for (int n = 0; n < SCORES; n += 2) {
            unsigned b[4];
            ldmatrix_x4(b, b_row + 8 * n * STRIDE + k);
            mma_pair(s[n], s[n + 1], a, b);
        }
    }
}

// sums += s rows. Two fragments of a product are, rounded, one fragment of the next product's left factor, so that s
// never leaves the registers.
DEVICE void add_weighted(float (&sums)[WIDE][4], const float (&s)[SCORES][4], const Element *rows) {
    const Element *row = rows + lane() % 16 * STRIDE + lane() / 16 * 8;
    HOT_LOOP
    for (int k = 0; k < SCORES; k += 2) {
        const unsigned a[4] = {pack<Element>(s[k][0], s[k][1]), pack<Element>(s[k][2], s[k][3]),
                               pack<Element>(s[k + 1][0], s[k + 1][1]), pack<Element>(s[k + 1][2], s[k + 1][3])};
        HOT_LOOP
        for (int n = 0; n < WIDE; n += 2) {
            unsigned b[4];
            ldmatrix_x4_trans(b, row + 8 * k * STRIDE + 8 * n);
            mma_pair(sums[n], sums[n + 1], a, b);
        }
    }
}

// Writes this warp's sixteen rows by way of its own rows of a held tile, 16 bytes a thread.
DEVICE void store_rows(const float (&sums)[WIDE][4], float upper, float lower, Element *held, Element *rows, int width,
                       int count) {
    Element *own = held + 16 * warp() * STRIDE;
    __syncwarp(); // held rows read
    HOT_LOOP
    for (int n = 0; n < WIDE; n++) {
        HOT_LOOP
        for (int e = 0; e < 4; e++) {
            float x = sums[n][e] * (e < 2 ? upper : lower);
            own[fragment_row(e) * STRIDE + fragment_column(n, e)] = from_float<Element>(x);
        }
    }
    __syncwarp(); // rounded rows written
    constexpr int PIECES = HEAD_SIZE / PIECE;
    for (int i = lane(); i < 16 * PIECES; i += 32) {
        int r = i / PIECES, c = i % PIECES * PIECE, position = 16 * warp() + r;
        if (position < count) {
            *(uint4 *) (rows + (long long) position * width + c) = *(const uint4 *) (own + r * STRIDE + c);
        }
    }
}
