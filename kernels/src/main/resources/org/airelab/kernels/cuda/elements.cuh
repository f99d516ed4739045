// Elements shared out 16 bytes at a time among the threads of a grid that is as large as the device holds at once: each
// thread goes on, a grid further, until there are none left.
#include "rows.cuh"

// Elements of flat memory: chunks are cut where the address is a multiple of 16 bytes, so the first may begin before
// the memory does.
DEVICE long long first_chunk(const ELEMENT *flat) {
    return ((long long) blockIdx.x * BLOCK + threadIdx.x) * CHUNK - misaligned_elements(flat);
}

DEVICE long long chunk_stride() { return (long long) gridDim.x * BLOCK * CHUNK; }

// Elements of rows, cut from each row's beginning: the row, and where in it the chunk begins. Divides once, not at each
// step.
struct RowChunk {
    long long row, at, width, rows_further, further;

    DEVICE explicit RowChunk(long long elements) {
        long long each = (elements - 1) / CHUNK + 1;
        long long first = (long long) blockIdx.x * BLOCK + threadIdx.x, stride = (long long) gridDim.x * BLOCK;
        width = each * CHUNK;
        row = first / each;
        at = first % each * CHUNK;
        rows_further = stride / each;
        further = stride % each * CHUNK;
    }

    DEVICE void next() {
        row += rows_further;
        at += further;
        if (at >= width) {
            at -= width;
            row++;
        }
    }
};
