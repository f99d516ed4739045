// Embedding rows, 16 bytes an access. Over naive: forward, a block a row, which reads the id once. Backward, the places
// are sorted by their ids first (sort.cu), so that those of one row of the table follow one another: each row of the
// gradient is read once, each of the table read and written once, without atomics. Blocks take EACH places however many
// have the same id; a row that goes on from one block into the next is put together in the end. On an NVIDIA H100,
// 16384 rows of 2048 of bfloat16 out of 128256: forward 48.0 us at 2800 GB/s (naive 169 us), backward 91.9 us (naive
// 240 ms): benchmarks/reports/20261126-NVIDIA-H100, memory-bound. What else was measured, on an H200:
// kernels/docs/elementwise.md.
#include "rows.cuh"
#include "keys.cuh"

// An id outside of [0, vocabulary) makes a row of NaN.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_gather(const ELEMENT *weight, const long long *ids, ELEMENT *out, int vocabulary, int width) {
    long long id = ids[blockIdx.x];
    bool known = id >= 0 && id < vocabulary;
    weight += (known ? id : 0) * width;
    out += (long long) blockIdx.x * width;
    for (int at = threadIdx.x * CHUNK; at < width; at += BLOCK * CHUNK) {
        bool whole = at + CHUNK <= width && misaligned_elements(weight + at) == 0 && misaligned_elements(out + at) == 0;
        if (known && whole) {
            *reinterpret_cast<uint4 *>(out + at) = *reinterpret_cast<const uint4 *>(weight + at);
            continue;
        }
        for (int i = at; i < min(width, at + CHUNK); i++) {
            out[i] = known ? weight[i] : from_float<ELEMENT>(not_a_number());
        }
    }
}

DEVICE void add(float (&sum)[CHUNK], const float (&v)[CHUNK]) {
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) sum[i] += v[i];
}

DEVICE void add(float (&sum)[CHUNK], const unsigned (&word)[4]) {
    float v[CHUNK];
    widen<ELEMENT>(v, word);
    add(sum, v);
}

// The bits of a chunk of a row; where not all are WHOLE they have to be looked at.
template <bool WHOLE> DEVICE void fetch(unsigned (&word)[4], const ELEMENT *row, int at, int width) {
    if (WHOLE) {
        uint4 bits = *reinterpret_cast<const uint4 *>(row + at);
        word[0] = bits.x;
        word[1] = bits.y;
        word[2] = bits.z;
        word[3] = bits.w;
    } else {
        fetch_chunk(word, row, at, width, 0.0f);
    }
}

// What embedding_sums does for CHUNK columns, given the block's keys between those before and after them.
template <bool WHOLE>
DEVICE void sums(const ELEMENT *d_out, const unsigned long long (&key)[EACH + 2], int places, ELEMENT *d_weight,
                 float *heads, int at, int width) {
    int before = id_of(key[0]), after = id_of(key[places + 1]);
    // Rows are fetched some at a time, those of the table that will be written too: one after the other, each would
    // wait for the one before.
    const int AHEAD = WHOLE ? 4 : 1;
    float sum[CHUNK] = {};
    for (int first = 1; first <= places; first += AHEAD) {
        unsigned row[AHEAD][4], old[AHEAD][4];
        HOT_LOOP
        for (int h = 0; h < AHEAD; h++) {
            int i = min(first + h, places), id = id_of(key[i]);
            fetch<WHOLE>(row[h], d_out + (long long) place_of(key[i]) * width, at, width);
            bool last = i == places || id_of(key[i + 1]) != id, all = id != before && id != after;
            if (last && all && id != NOBODY) fetch<WHOLE>(old[h], d_weight + (long long) id * width, at, width);
        }
        HOT_LOOP
        for (int h = 0; h < AHEAD; h++) {
            int i = first + h;
            if (i > places) break;
            add(sum, row[h]);
            int id = id_of(key[i]);
            if (i < places && id_of(key[i + 1]) == id) continue;
            if (id == before || id == after) {
                float *part = id == before ? heads : heads + width;
                for (int j = 0; j < min(CHUNK, width - at); j++) part[at + j] = sum[j];
            } else if (id != NOBODY) {
                add(sum, old[h]);
                store_chunk(d_weight + (long long) id * width, at, width, sum);
            }
            HOT_LOOP
            for (int j = 0; j < CHUNK; j++) sum[j] = 0.0f;
        }
    }
}

// Sums of the block's EACH places that have the same id, for CHUNK columns a thread. A sum that is only part of its
// row's goes to partials [blocks, 2, width]: as a head what goes on from the block before, otherwise as a tail.
extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
embedding_sums(const ELEMENT *d_out, const unsigned long long *keys, ELEMENT *d_weight, float *partials, int count,
               int width) {
    __shared__ unsigned long long key[EACH + 2];
    int begin = blockIdx.x * EACH, places = min(EACH, count - begin);
    for (int i = threadIdx.x; i < places + 2; i += BLOCK) {
        bool exists = begin + i > 0 && begin + i <= count;
        key[i] = exists ? keys[begin + i - 1] : NO_KEY;
    }
    __syncthreads();
    int at = (blockIdx.y * BLOCK + threadIdx.x) * CHUNK;
    if (at >= width) return;
    float *heads = partials + (long long) blockIdx.x * 2 * width;
    if (width % CHUNK == 0 && misaligned_elements(d_out) == 0 && misaligned_elements(d_weight) == 0) {
        sums<true>(d_out, key, places, d_weight, heads, at, width);
    } else {
        sums<false>(d_out, key, places, d_weight, heads, at, width);
    }
}

// Adds up what embedding_sums left in parts: the block with the tail takes the heads of those that follow.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_joints(const unsigned long long *keys, const float *partials, ELEMENT *d_weight, int count, int width) {
    int begin = blockIdx.x * EACH, at = (blockIdx.y * BLOCK + threadIdx.x) * CHUNK;
    if (at >= width || EACH >= count - begin) return;
    int id = id_of(keys[begin + EACH]);
    if (id == NOBODY || id_of(keys[begin + EACH - 1]) != id || (begin > 0 && id_of(keys[begin - 1]) == id)) return;
    float sum[CHUNK], v[CHUNK];
    const float *part = partials + ((long long) blockIdx.x * 2 + 1) * width;
    HOT_LOOP
    for (int j = 0; j < CHUNK; j++) sum[j] = at + j < width ? part[at + j] : 0.0f;
    for (long long next = (long long) begin + EACH; next < count && id_of(keys[next]) == id; next += EACH) {
        part = partials + next / EACH * 2 * width;
        HOT_LOOP
        for (int j = 0; j < CHUNK; j++) v[j] = at + j < width ? part[at + j] : 0.0f;
        add(sum, v);
    }
    ELEMENT *row = d_weight + (long long) id * width;
    load_chunk(v, row, at, width, 0.0f);
    add(sum, v);
    store_chunk(row, at, width, sum);
}
