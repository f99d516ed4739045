// Adds gradients of any type to their sums. Over naive: a thread has 16 bytes of addends, and of the sums as many
// elements in one access or two, where they are aligned; all reads are under way before the first is waited for. What
// this brings has not been measured.
#include "elements.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
gradient_sum(const ELEMENT *addends, long long count, float *sums) {
    long long at = own_chunk(addends);
    if (at >= count) return;
    float v[CHUNK];
    if (at < 0 || at + CHUNK > count || reinterpret_cast<unsigned long long>(sums + at) % 16 != 0) {
        load_chunk(v, addends, at, count, 0.0f);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) {
            if (at + i >= 0 && at + i < count) sums[at + i] += v[i];
        }
        return;
    }
    uint4 sum[CHUNK / 4];
    HOT_LOOP
    for (int i = 0; i < CHUNK / 4; i++) sum[i] = reinterpret_cast<const uint4 *>(sums + at)[i];
    load_16(v, addends + at);
    HOT_LOOP
    for (int i = 0; i < CHUNK / 4; i++) {
        const unsigned word[4] = {__float_as_uint(__uint_as_float(sum[i].x) + v[4 * i]),
                                  __float_as_uint(__uint_as_float(sum[i].y) + v[4 * i + 1]),
                                  __float_as_uint(__uint_as_float(sum[i].z) + v[4 * i + 2]),
                                  __float_as_uint(__uint_as_float(sum[i].w) + v[4 * i + 3])};
        write_16(sums + at + 4 * i, word);
    }
}
