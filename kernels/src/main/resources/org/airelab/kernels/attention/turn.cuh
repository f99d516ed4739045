// Gradients of rows that were rotated by their positions (rotary), turned back before they are rounded: it saves the
// pass over queries and keys that does it afterwards. A thread has both elements of a pair.
// Macro: ROTATED, 0 for rows that were not rotated; 1 for pairs half a head apart, of heads of a multiple of 16; 2 for
// neighbours. Heads are one panel.
#pragma once
#include "wgmma.cuh"

#ifndef ROTATED
#define ROTATED 0
#endif
static_assert(!ROTATED || PANELS == 1, "a thread has all columns of its rows");
static_assert(ROTATED != 1 || HEAD_SIZE % 16 == 0, "both elements of a pair are a thread's");

DEVICE void turn_back(float &x, float &y, float cosine, float sine) {
    float turned = x * cosine + y * sine;
    y = y * cosine - x * sine;
    x = turned;
}

// Sums of a warp group's 64 rows, of which the first is at position `first` of a sequence. Angles are [time,
// HEAD_SIZE], the sines those of the pairs' second elements.
template <int P>
DEVICE void turn_back(float (&sums)[P][4][4], const float *cosines, const float *sines, int first, int time) {
    float (&quarters)[4 * P][4] = fragments(sums);
    HOT_LOOP
    for (int e = 0; e < 4; e += 2) {
        // Rows past the end are not written.
        int position = min(first + (int) threadIdx.x % GROUP / 32 * 16 + fragment_row(e), time - 1);
        const float *cosine = cosines + position * HEAD_SIZE, *sine = sines + position * HEAD_SIZE;
        HOT_LOOP
        for (int n = 0; n < HEAD_SIZE / (ROTATED == 1 ? 16 : 8); n++) {
            int column = fragment_column(n, e), apart = ROTATED == 1 ? HEAD_SIZE / 2 : 0; // columns are even
            float2 c = *reinterpret_cast<const float2 *>(cosine + column);
            float2 s = *reinterpret_cast<const float2 *>(sine + column + apart);
            if (ROTATED == 1) {
                turn_back(quarters[n][e], quarters[n + HEAD_SIZE / 16][e], c.x, s.x);
                turn_back(quarters[n][e + 1], quarters[n + HEAD_SIZE / 16][e + 1], c.y, s.y);
            } else {
                turn_back(quarters[n][e], quarters[n][e + 1], c.x, s.y);
            }
        }
    }
}
