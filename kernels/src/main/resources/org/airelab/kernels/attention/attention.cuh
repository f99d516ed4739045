// Where the rungs of attention find their operands, and what all of them share.
// Macro: ELEMENT, one of float, f16, bf16.
#pragma once
#include "lab.cuh"

typedef ELEMENT Element;

static constexpr float LOG2_E = 1.44269504f;
static constexpr float LN_2 = 0.69314718f;

DEVICE float infinity() { return __uint_as_float(0x7f800000u); }

// Packed rows hold all query heads, then all key heads, then all value heads; all indices are in elements.
struct Heads {
    int time, heads, kv_heads, size;

    DEVICE int group() const { return heads / kv_heads; }
    DEVICE int width() const { return (heads + 2 * kv_heads) * size; }
    DEVICE int out_width() const { return heads * size; }
    DEVICE long long query(int sequence, int position, int head) const {
        return ((long long) sequence * time + position) * width() + (long long) head * size;
    }
    DEVICE long long key(int sequence, int position, int kv_head) const {
        return query(sequence, position, heads + kv_head);
    }
    DEVICE long long value(int sequence, int position, int kv_head) const {
        return query(sequence, position, heads + kv_heads + kv_head);
    }
    DEVICE long long out(int sequence, int position, int head) const {
        return ((long long) sequence * time + position) * out_width() + (long long) head * size;
    }
    DEVICE long long lse(int sequence, int position, int head) const {
        return ((long long) sequence * heads + head) * time + position;
    }
};

// The tile of positions and the head of a sequence that a block works on. Tiles of a head are neighbours, so that
// blocks that run at the same time read the same keys and values.
struct Place {
    int sequence, head, first;

    DEVICE Place(int block, int tiles, int tile_rows, int heads, bool last_first) {
        int unit = block / tiles, tile = block % tiles;
        sequence = unit / heads;
        head = unit % heads;
        // Where one end has more to do than the other, it begins.
        first = (last_first ? tiles - 1 - tile : tile) * tile_rows;
    }
};

// deltas [batch, heads, time]: the product of each row of the output with its gradient (Dao, "FlashAttention-2", 2023,
// algorithm 2, line 4), a warp a row.
DEVICE void row_deltas(const Element *d_out, const Element *out, float *deltas, Heads h, int batch) {
    long long row = ((long long) blockIdx.x * blockDim.x + threadIdx.x) / 32;
    int lane = threadIdx.x % 32;
    if (row >= (long long) batch * h.heads * h.time) return;
    int position = row % h.time, head = row / h.time % h.heads, sequence = row / h.time / h.heads;
    long long at = h.out(sequence, position, head);
    float sum = 0;
    for (int d = lane; d < h.size; d += 32) sum += to_float(d_out[at + d]) * to_float(out[at + d]);
    sum = warp_sum(sum);
    if (lane == 0) deltas[row] = sum;
}
