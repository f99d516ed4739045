// Rotation of packed rows. Over naive: 16 bytes an access. INTERLEAVED pairs are neighbours, and a thread's chunk holds
// whole ones; others lie half a head apart, and a thread takes a chunk of each half. 8192 rows of 96 heads of 128 of
// bfloat16 on an NVIDIA H100: 137 us at 3007 GB/s (naive 296); on an H200 97.7 us at 4207 GB/s (naive 289):
// benchmarks/reports/20261126-NVIDIA-H100 and -H200, memory-bound.
#include "elements.cuh"

DEVICE void turn(float &x, float &y, float cosine, float sine) {
    float turned = x * cosine - y * sine;
    y = y * cosine + x * sine;
    x = turned;
}

// Turns a chunk and, unless its pairs are INTERLEAVED, the one half a head on. The angles are given from the chunk's
// beginning on, the sines those of the pairs' second elements.
DEVICE void turn(float (&v)[CHUNK], float (&w)[CHUNK], const float *cosines, const float *sines, float sign) {
    HOT_LOOP
    for (int i = 0; i < CHUNK; i += 4) {
        float4 cosine = *reinterpret_cast<const float4 *>(cosines + i);
        float4 sine = *reinterpret_cast<const float4 *>(sines + i);
#if INTERLEAVED
        turn(v[i], v[i + 1], cosine.x, sine.y * sign);
        turn(v[i + 2], v[i + 3], cosine.z, sine.w * sign);
#else
        turn(v[i], w[i], cosine.x, sine.x * sign);
        turn(v[i + 1], w[i + 1], cosine.y, sine.y * sign);
        turn(v[i + 2], w[i + 2], cosine.z, sine.z * sign);
        turn(v[i + 3], w[i + 3], cosine.w, sine.w * sign);
#endif
    }
}

// cosines and sines are float32 [time, size]. Of a row's `row_heads` heads the first `rotated` are turned, those up to
// `heads` copied.
extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
rotary(const float *cosines, const float *sines, const ELEMENT *source, ELEMENT *target, int rows, int together,
       int time, int rotated, int heads, int row_heads, int size, float sign) {
    int width = INTERLEAVED ? size : size / 2, apart = INTERLEAVED ? 0 : width, chunks = chunk_count(width);
    RowPlace place(rows, together, heads * chunks);
    if (!place.exists) return;
    int head = place.place / chunks, at = (place.place - head * chunks) * CHUNK;
    long long begin = ((long long) place.row * row_heads + head) * size;
    source += begin;
    target += begin;
    cosines += (long long) (place.row % time) * size;
    sines += (long long) (place.row % time) * size;
    bool turned = head < rotated;
    if (width % CHUNK == 0 && misaligned_elements(source) == 0 && misaligned_elements(target) == 0) {
        float v[CHUNK], w[CHUNK];
        load_16(v, source + at);
        if (!INTERLEAVED) load_16(w, source + apart + at);
        if (turned) turn(v, w, cosines + at, sines + apart + at, sign);
        store_16(target + at, v);
        if (!INTERLEAVED) store_16(target + apart + at, w);
        return;
    }
    for (int i = at; i < min(at + CHUNK, width); i += INTERLEAVED ? 2 : 1) {
        int j = INTERLEAVED ? i + 1 : i + apart;
        float x = to_float(source[i]), y = to_float(source[j]);
        if (turned) turn(x, y, cosines[i], sines[j] * sign);
        target[i] = from_float<ELEMENT>(x);
        target[j] = from_float<ELEMENT>(y);
    }
}
