// Sorting of keys by merging, without atomics: an element's place is the number of those before it.
#include "keys.cuh"

// Makes the keys and sorts them within tiles of BLOCK, each counting the smaller ones of its tile.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_tiles(const long long *ids, unsigned long long *keys, unsigned count, int vocabulary) {
    __shared__ unsigned long long tile[BLOCK];
    unsigned start = blockIdx.x * BLOCK, i = start + threadIdx.x;
    unsigned long long key = ~0ull;
    if (i < count) {
        long long id = ids[i];
        key = key_of(id >= 0 && id < vocabulary ? (int) id : NOBODY, i);
    }
    tile[threadIdx.x] = key;
    __syncthreads();
    unsigned smaller = 0;
    for (int j = 0; j < BLOCK; j++) smaller += tile[j] < key;
    if (i < count) keys[start + smaller] = key;
}

// Merges sorted runs of `run` keys, a power of two, with their neighbours: each key finds by bisection how many of the
// neighbour's are smaller.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_merge(const unsigned long long *from, unsigned long long *to, unsigned count, unsigned run) {
    unsigned i = blockIdx.x * BLOCK + threadIdx.x;
    if (i >= count) return;
    unsigned own = i / run * run, other = own ^ run;
    unsigned begin = min(other, count), end = min(other + run, count), low = begin;
    unsigned long long key = from[i];
    while (low < end) {
        unsigned middle = low + (end - low) / 2;
        if (from[middle] < key) low = middle + 1;
        else end = middle;
    }
    to[min(own, other) + (i - own) + (low - begin)] = key;
}
