// Embedding rows, naive: a thread an element. Backward, the first of the places that have the same id adds them all,
// one after the other; to find out who that is, every thread looks at the ids before its own, and then at those after.
#include "rows.cuh"

// An id outside of [0, vocabulary) makes a row of NaN.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_gather(const ELEMENT *weight, const long long *ids, ELEMENT *out, long long elements, int vocabulary,
                 int width) {
    long long at = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (at >= elements) return;
    long long id = ids[at / width];
    bool known = id >= 0 && id < vocabulary;
    out[at] = known ? weight[id * width + at % width] : from_float<ELEMENT>(not_a_number());
}

// A block of columns of a place; sums are of float and rounded once. An id outside of [0, vocabulary) adds nothing.
extern "C" __global__ void __launch_bounds__(BLOCK)
embedding_scatter_add(const ELEMENT *d_out, const long long *ids, ELEMENT *d_weight, int count, int vocabulary,
                      int width) {
    int place = blockIdx.x, column = blockIdx.y * BLOCK + threadIdx.x;
    long long id = ids[place];
    if (column >= width || id < 0 || id >= vocabulary) return;
    for (int i = 0; i < place; i++) {
        if (ids[i] == id) return;
    }
    float sum = to_float(d_weight[id * width + column]);
    for (int i = place; i < count; i++) {
        if (ids[i] == id) sum += to_float(d_out[(long long) i * width + column]);
    }
    d_weight[id * width + column] = from_float<ELEMENT>(sum);
}
