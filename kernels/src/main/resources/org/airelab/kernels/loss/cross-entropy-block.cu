// Cross-entropy of rows, a block a row. Over warp: 16 bytes an access, and the largest element and the sum come from
// one reading of the row (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018, algorithm 3). Each
// thread keeps its chunks as the type holds them, the first HELD in registers and KEPT more in shared memory, copied
// there while it works on those: a row that fits is read once for loss and gradient, of a longer one the rest twice.
// KEPT 0 is for rows that fit in registers.
// Several blocks share a multiprocessor, so that some read while others compute and write. On an NVIDIA H100, loss and
// gradient of 8192 x 50257 of bfloat16: 0.564 ms at 2921 GB/s (warp 1.37).
#include "cross-entropy.cuh"
#include "held.cuh"

// Threads of a multiprocessor that there shall be registers for, in blocks.
const int RESIDENT = 1024 / BLOCK;

// The largest logit so far and the sum of e^(logit - largest). Beginning with the least finite number, -infinity alone
// makes no NaN of a part of a row; of a whole row it does, by 0 / 0.
struct Online {
    float most, sum;
};

DEVICE Online nothing_yet() { return Online{__uint_as_float(0xff7fffffu), 0.0f}; }

DEVICE void take(Online &online, const uint4 &chunk) {
    float v[CHUNK], most = online.most;
    widen(v, chunk);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) most = fmaxf(most, v[i]);
    online.sum *= exponential(online.most - most);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) online.sum += exponential(v[i] - most);
    online.most = most;
}

// A thread's element outside of all chunks, the first it takes: the sum becomes 1, or NaN.
DEVICE void take_edge(Online &online, const ELEMENT *logits, int edge) {
    if (edge < 0) return;
    float logit = to_float(logits[edge]);
    online.most = fmaxf(online.most, logit);
    online.sum = exponential(logit - online.most);
}

// The row's, in every thread.
DEVICE Online combine(Online online, float (&scratch)[2][1][32]) {
    float most = row_max(online.most, scratch[0]);
    return Online{most, row_sum(online.sum * exponential(online.most - most), scratch[1])};
}

extern "C" __global__ void __launch_bounds__(BLOCK)
cross_entropy_forward(const ELEMENT *logits, const long long *targets, float *losses, int rows, int vocabulary,
                      long long ignored) {
    __shared__ float scratch[2][1][32];
    logits += (long long) blockIdx.x * vocabulary;
    if (targets[blockIdx.x] == ignored) {
        if (threadIdx.x == 0) losses[blockIdx.x] = 0.0f;
        return;
    }
    Cut cut(logits, vocabulary);
    Online row = nothing_yet();
    take_edge(row, logits, cut.edge);
    uint4 held[HELD];
    for (int at = cut.first; at < cut.end; at += HELD * STRIDE) {
        hold<true>(held, logits, at, cut.end, minus_infinity());
        HOT_LOOP
        for (int h = 0; h < HELD; h++) take(row, held[h]);
    }
    row = combine(row, scratch);
    if (threadIdx.x == 0) {
        losses[blockIdx.x] = loss_of(logit_of(logits, locate(targets[blockIdx.x], vocabulary)), row.most, row.sum);
    }
}

DEVICE void put_gradient(ELEMENT *logits, int at, const uint4 &chunk, float most, float factor) {
    float v[CHUNK];
    widen(v, chunk);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) v[i] = exponential(v[i] - most) * factor;
    put_chunk<true>(logits, at, 0, v);
}

DEVICE void clear(ELEMENT *logits, const Cut &cut) {
    for (int at = cut.first; at < cut.end; at += STRIDE) {
        *reinterpret_cast<uint4 *>(logits + at) = make_uint4(0, 0, 0, 0);
    }
    if (cut.edge >= 0) logits[cut.edge] = from_float<ELEMENT>(0.0f);
}

extern "C" __global__ void __launch_bounds__(BLOCK, RESIDENT)
cross_entropy_forward_backward(ELEMENT *logits, const long long *targets, float *losses, int rows, int vocabulary,
                               long long ignored, float scale) {
    __shared__ float scratch[2][1][32];
    DYNAMIC_SHARED(uint4, kept);
    logits += (long long) blockIdx.x * vocabulary;
    Cut cut(logits, vocabulary);
    int behind = cut.first + HELD * STRIDE, beyond = behind + KEPT * STRIDE;
    uint4 held[HELD];
    hold<true>(held, logits, cut.first, cut.end, minus_infinity());
    kept += threadIdx.x;
    for (int k = 0; k < KEPT; k++) {
        int at = behind + k * STRIDE;
        if (at < cut.end) cp_async_16(kept + k * BLOCK, logits + at, true);
    }
    cp_async_commit();
    if (targets[blockIdx.x] == ignored) { // asked only now: the row need not wait for the answer
        cp_async_wait<0>();
        clear(logits, cut);
        if (threadIdx.x == 0) losses[blockIdx.x] = 0.0f;
        return;
    }

    Online row = nothing_yet();
    take_edge(row, logits, cut.edge);
    HOT_LOOP
    for (int h = 0; h < HELD; h++) take(row, held[h]);
    cp_async_wait<0>();
#pragma unroll 4
    for (int k = 0; k < KEPT; k++) {
        if (behind + k * STRIDE < cut.end) take(row, kept[k * BLOCK]);
    }
    COLD_LOOP
    for (int at = beyond; KEPT > 0 && at < cut.end; at += STRIDE) take(row, chunk_of<true>(logits, at, cut.end, 0.0f));
    row = combine(row, scratch);

    Target target = locate(targets[blockIdx.x], vocabulary);
    bool owner = (int) threadIdx.x == cut.lane_of(target.at, vocabulary);
    float logit = owner ? logit_of(logits, target) : 0.0f;
    float factor = target.known ? scale / row.sum : not_a_number();
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        int at = cut.first + h * STRIDE;
        forget(held[h]);
        if (at < cut.end) put_gradient(logits, at, held[h], row.most, factor);
    }
#pragma unroll 4
    for (int k = 0; k < KEPT; k++) {
        int at = behind + k * STRIDE;
        if (at < cut.end) put_gradient(logits, at, kept[k * BLOCK], row.most, factor);
    }
    COLD_LOOP
    for (int at = beyond; KEPT > 0 && at < cut.end; at += STRIDE) {
        put_gradient(logits, at, chunk_of<true>(logits, at, cut.end, 0.0f), row.most, factor);
    }
    if (cut.edge >= 0) {
        logits[cut.edge] = from_float<ELEMENT>(exponential(to_float(logits[cut.edge]) - row.most) * factor);
    }
    if (owner) {
        logits[target.at] = target_gradient(logit, row.most, row.sum, scale);
        losses[blockIdx.x] = loss_of(logit, row.most, row.sum);
    }
}
