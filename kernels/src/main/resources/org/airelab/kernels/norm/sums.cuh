// The sum of two matrices before a norm, and the gradient of the sum beside that of its norm, in the kernels that hold
// rows. SUM: whether there is a second matrix; without one its arguments are null pointers, and nothing of this is
// left.
#pragma once
#include "held.cuh"

#ifndef SUM
#define SUM 0
#endif

// Adds a row to the one that is held, and writes the sum, rounded to ELEMENT, as it is held from then on. Of elements
// that are not held, from `beyond` on, it is written alone.
template <bool WHOLE>
DEVICE void add_row(uint4 (&held)[HELD], const ELEMENT *x, const ELEMENT *added, ELEMENT *sum, int first, int beyond,
                    int width) {
    uint4 others[HELD];
    float v[CHUNK], w[CHUNK];
    if (WHOLE) hold<WHOLE>(others, added, first, width, 0.0f);
    HOT_LOOP
    for (int h = 0; WHOLE && h < HELD; h++) {
        int at = first + h * STRIDE;
        if (at >= width) continue;
        widen(v, held[h]);
        widen(w, others[h]);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] += w[i];
        held[h] = narrow(v);
        *reinterpret_cast<uint4 *>(sum + at) = held[h];
    }
    COLD_LOOP
    for (int at = beyond; at < width; at += STRIDE) {
        widen(v, chunk_of<WHOLE>(x, at, width, 0.0f));
        widen(w, chunk_of<WHOLE>(added, at, width, 0.0f));
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] += w[i];
        put_chunk<WHOLE>(sum, at, width, v);
    }
}

// Adds a chunk of a row to numbers.
DEVICE void add_chunk(float (&v)[CHUNK], const uint4 &bits) {
    float w[CHUNK];
    widen(w, bits);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) v[i] += w[i];
}
