// Sorting of keys by merging, without atomics: an element's place is the number of those before it. The rung sorted has
// this done first in its backward pass, whose times include it.
#include "keys.cuh"

// Makes the keys and sorts them within tiles of TILE, each counting the smaller ones of its tile. Several blocks share
// a tile: they are as many as there are keys for.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_tiles(const long long *ids, unsigned long long *keys, unsigned count, int vocabulary) {
    __shared__ __align__(16) unsigned long long tile[TILE];
    unsigned start = blockIdx.x / (TILE / BLOCK) * TILE, i = blockIdx.x * BLOCK + threadIdx.x;
    for (unsigned j = threadIdx.x; j < TILE; j += BLOCK) {
        tile[j] = NO_KEY;
        if (start + j >= count) continue;
        long long id = ids[start + j];
        tile[j] = key_of(id >= 0 && id < vocabulary ? (int) id : NOBODY, start + j);
    }
    __syncthreads();
    unsigned long long key = tile[i - start];
    // Sums side by side: of one, each addition would wait for the one before.
    const int SOME = 8;
    unsigned smaller[SOME] = {};
    for (int first = 0; first < TILE; first += SOME) {
        HOT_LOOP
        for (int j = 0; j < SOME; j++) smaller[j] += tile[first + j] < key;
    }
    HOT_LOOP
    for (int j = 1; j < SOME; j++) smaller[0] += smaller[j];
    if (i < count) keys[start + smaller[0]] = key;
}

// Merges WAYS neighbouring sorted runs of `run` keys, a power of two: each key finds by bisection how many of each
// run's are smaller, in all of them at once, so that it waits for memory once a step.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_merge(const unsigned long long *from, unsigned long long *to, unsigned count, unsigned run) {
    unsigned i = blockIdx.x * BLOCK + threadIdx.x;
    if (i >= count) return;
    unsigned begin = i / run / WAYS * WAYS * run, smaller[WAYS] = {};
    unsigned long long key = from[i];
    for (unsigned step = run; step > 0; step /= 2) {
        unsigned long long other[WAYS];
        HOT_LOOP
        for (int w = 0; w < WAYS; w++) {
            unsigned at = begin + w * run + smaller[w] + step - 1;
            bool inside = smaller[w] + step <= run && at < count;
            other[w] = from[inside ? at : i]; // no key is smaller than itself
        }
        HOT_LOOP
        for (int w = 0; w < WAYS; w++) smaller[w] += other[w] < key ? step : 0;
    }
    unsigned place = begin;
    HOT_LOOP
    for (int w = 0; w < WAYS; w++) place += smaller[w];
    to[place] = key;
}
