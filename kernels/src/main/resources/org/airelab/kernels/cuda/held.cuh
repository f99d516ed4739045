// Rows held in registers as they lie in memory: LANES threads a row, BLOCK / LANES rows a block, which is one row, or a
// warp a row. A thread's chunks lie STRIDE elements apart. Its loads stand side by side, none behind a branch of its
// own, so that all of them are under way before the first is waited for; conversions come later, and each pass over a
// row makes them again, which saves registers. WHOLE says that a row has whole chunks alone, each aligned: kernels are
// there for such rows, and once more for all others, whose elements are read one by one.
#pragma once
#include "rows.cuh"

const int ROWS = BLOCK / LANES;
const int STRIDE = LANES * CHUNK;

DEVICE void widen(float (&v)[CHUNK], const uint4 &bits) {
    const unsigned word[4] = {bits.x, bits.y, bits.z, bits.w};
    widen<ELEMENT>(v, word);
}

DEVICE uint4 narrow(const float (&v)[CHUNK]) {
    unsigned word[4];
    narrow<ELEMENT>(word, v);
    return make_uint4(word[0], word[1], word[2], word[3]);
}

// The chunk from index `at` on, `outside` past the `end`.
template <bool WHOLE> DEVICE uint4 chunk_of(const ELEMENT *row, int at, int end, float outside) {
    if constexpr (WHOLE) {
        return *reinterpret_cast<const uint4 *>(row + at);
    } else {
        float v[CHUNK];
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] = at + i < end ? to_float(row[at + i]) : outside;
        return narrow(v);
    }
}

template <bool WHOLE> DEVICE void put_chunk(ELEMENT *row, int at, int end, const float (&v)[CHUNK]) {
    if constexpr (WHOLE) {
        *reinterpret_cast<uint4 *>(row + at) = narrow(v);
    } else {
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (at + i < end) row[at + i] = from_float<ELEMENT>(v[i]);
        }
    }
}

template <bool WHOLE, int COUNT>
DEVICE void hold(uint4 (&held)[COUNT], const ELEMENT *row, int first, int end, float outside) {
    float v[CHUNK];
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) v[i] = outside;
    const uint4 nothing = narrow(v);
    HOT_LOOP
    for (int h = 0; h < COUNT; h++) {
        int at = first + h * STRIDE;
        held[h] = at < end ? chunk_of<WHOLE>(row, at, end, outside) : nothing;
    }
}

// Whether all rows of a matrix consist of whole chunks, given its first row.
DEVICE bool whole_rows(const ELEMENT *matrix, int width) {
    return width % CHUNK == 0 && misaligned_elements(matrix) == 0;
}

// A row of any width cut where its address is a multiple of 16 bytes: whole chunks, and up to CHUNK - 1 elements before
// and after them, of which a thread takes at most one.
struct Cut {
    int first; // where this thread's first chunk begins
    int end;   // where the chunks end
    int edge;  // the element of this thread, -1 for none

    DEVICE Cut(const ELEMENT *row, int width) {
        int lane = (int) threadIdx.x % LANES;
        int before = min(width, (CHUNK - misaligned_elements(row)) % CHUNK);
        end = width - (width - before) % CHUNK;
        first = before + lane * CHUNK;
        edge = lane < before ? lane : lane >= CHUNK && lane - CHUNK < width - end ? end + lane - CHUNK : -1;
    }

    // Which of the row's threads takes an element.
    DEVICE int lane_of(int at, int width) const {
        int before = first - (int) threadIdx.x % LANES * CHUNK;
        return at < before ? at : at >= end ? CHUNK + at - end : (at - before) / CHUNK % LANES;
    }
};

// COUNT sums over the threads of a row, in each of them. One barrier: for the next sums there must be another scratch,
// and this one serves again for those after.
template <int COUNT> DEVICE void row_sums(float (&x)[COUNT], float (&scratch)[COUNT][32]) {
    HOT_LOOP
    for (int c = 0; c < COUNT; c++) {
        x[c] = warp_sum(x[c]);
        if (LANES > 32 && threadIdx.x % 32 == 0) scratch[c][threadIdx.x / 32] = x[c];
    }
    if (LANES > 32) __syncthreads();
    HOT_LOOP
    for (int c = 0; LANES > 32 && c < COUNT; c++) {
        x[c] = 0.0f;
        HOT_LOOP
        for (int warp = 0; warp < LANES / 32; warp += 2) {
            x[c] += scratch[c][warp] + (warp + 1 < LANES / 32 ? scratch[c][warp + 1] : 0.0f);
        }
    }
}

DEVICE float row_sum(float x, float (&scratch)[1][32]) {
    float sums[1] = {x};
    row_sums(sums, scratch);
    return sums[0];
}

// The maximum likewise.
DEVICE float row_max(float x, float (&scratch)[1][32]) {
    x = warp_max(x);
    if (LANES > 32) {
        if (threadIdx.x % 32 == 0) scratch[0][threadIdx.x / 32] = x;
        __syncthreads();
        HOT_LOOP
        for (int warp = 0; warp < LANES / 32; warp++) x = fmaxf(x, scratch[0][warp]);
    }
    return x;
}

// e^x by two instructions, for x up to 0: what is below 2^-126 becomes 0, and the product's rounding costs |x| units in
// the last place, of results that shrink faster.
DEVICE float exponential(float x) { return exp2_flushed(x * 1.4426950408889634f); }

// Adds up what the rows that a block takes at once have summed a column, in their order, and stores it: by way of
// shared memory, as a thread's columns lie side by side and a store of one each would take a sector of 32 bytes for 4.
DEVICE void store_column_sums(const float (&sums)[HELD][CHUNK], float (&totals)[BLOCK * HELD * CHUNK], float *partials,
                              int width) {
    int lane = (int) threadIdx.x % LANES, row = (int) threadIdx.x / LANES;
    float *mine = totals + row * HELD * STRIDE + lane * CHUNK;
    __syncthreads(); // the totals may still be read for the columns stored before
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) mine[h * STRIDE + i] = sums[h][i];
    }
    __syncthreads();
    int end = min(width, HELD * STRIDE);
    for (int at = threadIdx.x; at < end; at += BLOCK) {
        float sum = 0.0f;
        HOT_LOOP
        for (int r = 0; r < ROWS; r++) sum += totals[r * HELD * STRIDE + at];
        partials[at] = sum;
    }
}
