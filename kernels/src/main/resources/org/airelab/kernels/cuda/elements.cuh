// Elements 16 bytes a thread, and then the thread is done: the next block's reads begin while others still compute, and
// at any time the memory is read at one place. (The same work by a grid no larger than the device holds at once, whose
// threads go on from chunk to chunk, was 4 to 12 % slower on an NVIDIA H200: kernels/docs/elementwise.md.)
#include "rows.cuh"

// The thread's elements of flat memory: chunks are cut where the address is a multiple of 16 bytes, so the first may
// begin before the memory does.
DEVICE long long own_chunk(const ELEMENT *flat) {
    return ((long long) blockIdx.x * BLOCK + threadIdx.x) * CHUNK - misaligned_elements(flat);
}

// Chunks of a row, cut from its beginning.
DEVICE int chunk_count(int width) { return (width - 1) / CHUNK + 1; }

// The thread's place among rows of so many places. Rows come in groups of `together`, a group for each block along y,
// so that 32 bits count the places of a group: their division is the cheap one.
struct RowPlace {
    int row, place;
    bool exists;

    DEVICE RowPlace(int rows, int together, int places) {
        unsigned i = blockIdx.x * BLOCK + threadIdx.x, line = i / (unsigned) places;
        place = (int) (i - line * places);
        row = (int) (blockIdx.y * together + line);
        exists = line < (unsigned) together && blockIdx.y * together + line < (unsigned) rows;
    }
};
