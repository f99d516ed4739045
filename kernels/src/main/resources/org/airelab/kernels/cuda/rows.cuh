// Rows of a matrix of ELEMENT (float, f16, bf16) as the threads of a warp or of a block read, reduce and write them.
#pragma once
#include "lab.cuh"

// Elements of one access of 16 bytes.
const int CHUNK = Wide<ELEMENT>::count;

template <class T> DEVICE void widen(float (&v)[8], const unsigned (&word)[4]) {
    HOT_LOOP
    for (int i = 0; i < 8; i++) v[i] = to_float(T{(unsigned short) (word[i / 2] >> 16 * (i % 2))});
}
template <class T> DEVICE void widen(float (&v)[4], const unsigned (&word)[4]) {
    HOT_LOOP
    for (int i = 0; i < 4; i++) v[i] = __uint_as_float(word[i]);
}
template <class T> DEVICE void narrow(unsigned (&word)[4], const float (&v)[8]) {
    HOT_LOOP
    for (int i = 0; i < 4; i++) word[i] = pack<T>(v[2 * i], v[2 * i + 1]);
}
template <class T> DEVICE void narrow(unsigned (&word)[4], const float (&v)[4]) {
    HOT_LOOP
    for (int i = 0; i < 4; i++) word[i] = __float_as_uint(v[i]);
}

DEVICE int misaligned_elements(const ELEMENT *address) {
    return (int) (reinterpret_cast<unsigned long long>(address) % 16 / sizeof(ELEMENT));
}

// A whole chunk, at a multiple of 16 bytes.
DEVICE void load_16(float (&v)[CHUNK], const ELEMENT *address) {
    uint4 bits = *reinterpret_cast<const uint4 *>(address);
    const unsigned word[4] = {bits.x, bits.y, bits.z, bits.w};
    widen<ELEMENT>(v, word);
}
DEVICE void store_16(ELEMENT *address, const float (&v)[CHUNK]) {
    unsigned word[4];
    narrow<ELEMENT>(word, v);
    write_16(address, word);
}

// The bits of an element in their place in a chunk's words.
DEVICE unsigned placed(float x, int) { return __float_as_uint(x); }
template <class T> DEVICE unsigned placed(T x, int i) { return (unsigned) x.bits << 16 * (i % 2); }

// The bits of a row's elements from index `at` on; of `outside` for those before its beginning and past its `width`.
// One access where all are inside and the first is aligned.
template <class INDEX>
DEVICE void fetch_chunk(unsigned (&word)[4], const ELEMENT *row, INDEX at, INDEX width, float outside) {
    if (at >= 0 && at + CHUNK <= width && misaligned_elements(row + at) == 0) {
        uint4 bits = *reinterpret_cast<const uint4 *>(row + at);
        word[0] = bits.x;
        word[1] = bits.y;
        word[2] = bits.z;
        word[3] = bits.w;
    } else {
        word[0] = word[1] = word[2] = word[3] = 0;
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            bool inside = at + i >= 0 && at + i < width;
            word[i * 4 / CHUNK] |= placed(inside ? row[at + i] : from_float<ELEMENT>(outside), i);
        }
    }
}

// The elements. Their bits become numbers behind the branch: within it they would be waited for before the access of
// the next chunk could begin.
template <class INDEX>
DEVICE void load_chunk(float (&v)[CHUNK], const ELEMENT *row, INDEX at, INDEX width, float outside) {
    unsigned word[4];
    fetch_chunk(word, row, at, width, outside);
    widen<ELEMENT>(v, word);
}

template <class INDEX> DEVICE void store_chunk(ELEMENT *row, INDEX at, INDEX width, const float (&v)[CHUNK]) {
    if (at >= 0 && at + CHUNK <= width && misaligned_elements(row + at) == 0) {
        store_16(row + at, v);
        return;
    }
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) {
        if (at + i >= 0 && at + i < width) row[at + i] = from_float<ELEMENT>(v[i]);
    }
}

// Sum and maximum over the BLOCK threads of a block, in each of them, by way of one number a warp.
template <class T> DEVICE T block_sum(T x, T (&scratch)[32]) {
    x = warp_sum(x);
    if (BLOCK == 32) return x;
    __syncthreads(); // the scratch may still be read for the reduction before
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = x;
    __syncthreads();
    return warp_sum(threadIdx.x % 32 < BLOCK / 32 ? scratch[threadIdx.x % 32] : (T) 0);
}

DEVICE float minus_infinity() { return __uint_as_float(0xff800000u); }
DEVICE float not_a_number() { return __uint_as_float(0x7fffffffu); }

DEVICE float block_max(float x, float (&scratch)[32]) {
    x = warp_max(x);
    if (BLOCK == 32) return x;
    __syncthreads(); // the scratch may still be read for the reduction before
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = x;
    __syncthreads();
    return warp_max(threadIdx.x % 32 < BLOCK / 32 ? scratch[threadIdx.x % 32] : minus_infinity());
}
