// Rotation of packed rows, a block a row. Over naive: 16 bytes an access, and a thread stays at its place of a head
// from one head to the next, so that it looks up its cosines and sines once. INTERLEAVED pairs are neighbours, and a
// chunk holds whole ones; others lie half a head apart, and a thread takes a chunk of each half.
#include "rows.cuh"

// CHUNK angles of a position, of which there are `width`.
DEVICE void load_angles(float (&v)[CHUNK], const float *angles, int at, int width, float sign) {
    HOT_LOOP
    for (int i = 0; i < CHUNK; i += 4) {
        const float *address = angles + at + i;
        if (at + i + 4 <= width && reinterpret_cast<unsigned long long>(address) % 16 == 0) {
            float4 four = *reinterpret_cast<const float4 *>(address);
            v[i] = four.x * sign;
            v[i + 1] = four.y * sign;
            v[i + 2] = four.z * sign;
            v[i + 3] = four.w * sign;
            continue;
        }
        HOT_LOOP
        for (int j = 0; j < 4; j++) v[i + j] = at + i + j < width ? address[j] * sign : 0.0f;
    }
}

// Turns the pairs (v[i], v[i + 1]); the table's sine of a pair's first element is negative.
DEVICE void turn(float (&v)[CHUNK], const float (&cosine)[CHUNK], const float (&sine)[CHUNK]) {
    HOT_LOOP
    for (int i = 0; i < CHUNK; i += 2) {
        float x = v[i], y = v[i + 1];
        v[i] = x * cosine[i] + y * sine[i];
        v[i + 1] = y * cosine[i + 1] + x * sine[i + 1];
    }
}

// Turns the pairs (v[i], w[i]).
DEVICE void turn(float (&v)[CHUNK], float (&w)[CHUNK], const float (&cosine)[CHUNK], const float (&sine)[CHUNK]) {
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) {
        float x = v[i], y = w[i];
        v[i] = x * cosine[i] - y * sine[i];
        w[i] = y * cosine[i] + x * sine[i];
    }
}

// cosines and sines are float32 [time, size]. Of a row's `row_heads` heads the first `rotated` are turned, those up to
// `heads` copied.
extern "C" __global__ void __launch_bounds__(BLOCK)
rotary(const float *cosines, const float *sines, const ELEMENT *source, ELEMENT *target, int time, int rotated,
       int heads, int row_heads, int size, float sign) {
    int half = size / 2, width = INTERLEAVED ? size : half, places = (width + CHUNK - 1) / CHUNK;
    int together = max(1, BLOCK / places);
    if ((int) threadIdx.x >= places * together) return;
    cosines += (long long) (blockIdx.x % time) * size;
    sines += (long long) (blockIdx.x % time) * size + (INTERLEAVED ? 0 : half);
    source += (long long) blockIdx.x * row_heads * size;
    target += (long long) blockIdx.x * row_heads * size;
    for (int place = threadIdx.x % places; place < places; place += BLOCK) {
        int at = place * CHUNK;
        float cosine[CHUNK], sine[CHUNK], v[CHUNK];
        load_angles(cosine, cosines, at, width, 1.0f);
        load_angles(sine, sines, at, width, sign);
        for (int head = threadIdx.x / places; head < heads; head += together) {
            const ELEMENT *from = source + (long long) head * size;
            ELEMENT *to = target + (long long) head * size;
            load_chunk(v, from, at, width, 0.0f);
#if INTERLEAVED
            if (head < rotated) turn(v, cosine, sine);
#else
            float w[CHUNK];
            load_chunk(w, from + half, at, width, 0.0f);
            if (head < rotated) turn(v, w, cosine, sine);
            store_chunk(to + half, at, width, w);
#endif
            store_chunk(to, at, width, v);
        }
    }
}
