// Cross-entropy of rows, a block a row. Over warp: 16 bytes an access, and the largest element and the sum come from
// one reading of the row (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018, algorithm 3). Each
// thread keeps its first HELD chunks in registers, as the type holds them, so that a row that fits is read once for
// loss and gradient, and of a longer one the rest twice. Chunks are cut at multiples of 16 bytes: a row that begins
// between two has an incomplete chunk at each end.
// 1024 threads a multiprocessor: while some wait for each other, others read.
#include "cross-entropy.cuh"

// The largest logit so far and the sum of e^(logit - largest). Beginning with the least finite number, -infinity alone
// makes no NaN of a part of a row; of a whole row it does, by 0 / 0.
struct Online {
    float most, sum;
};

DEVICE Online nothing_yet() { return Online{__uint_as_float(0xff7fffffu), 0.0f}; }

DEVICE void take(Online &online, const float (&v)[CHUNK]) {
    float most = online.most;
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) most = fmaxf(most, v[i]);
    online.sum *= expf(online.most - most);
    HOT_LOOP
    for (int i = 0; i < CHUNK; i++) online.sum += expf(v[i] - most);
    online.most = most;
}

// The row's, in every thread.
DEVICE Online combine(Online online, float (&scratch)[32]) {
    float most = block_max(online.most, scratch);
    return Online{most, block_sum(online.sum * expf(online.most - most), scratch)};
}

extern "C" __global__ void __launch_bounds__(BLOCK, 1024 / BLOCK)
cross_entropy_forward(const ELEMENT *logits, const long long *targets, float *losses, int rows, int vocabulary,
                      long long ignored) {
    __shared__ float scratch[32];
    logits += (long long) blockIdx.x * vocabulary;
    if (targets[blockIdx.x] == ignored) {
        if (threadIdx.x == 0) losses[blockIdx.x] = 0.0f;
        return;
    }
    Online row = nothing_yet();
    float v[CHUNK];
    for (int at = (int) threadIdx.x * CHUNK - misaligned_elements(logits); at < vocabulary; at += BLOCK * CHUNK) {
        load_chunk(v, logits, at, vocabulary, minus_infinity());
        take(row, v);
    }
    row = combine(row, scratch);
    if (threadIdx.x == 0) {
        losses[blockIdx.x] = loss_of(logit_of(logits, locate(targets[blockIdx.x], vocabulary)), row.most, row.sum);
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK, 1024 / BLOCK)
cross_entropy_forward_backward(ELEMENT *logits, const long long *targets, float *losses, int rows, int vocabulary,
                               long long ignored, float scale) {
    __shared__ float scratch[32];
    logits += (long long) blockIdx.x * vocabulary;
    int before = misaligned_elements(logits), first = (int) threadIdx.x * CHUNK - before;
    int beyond = first + HELD * BLOCK * CHUNK;
    unsigned held[HELD][4];
    float v[CHUNK] = {};
    if (targets[blockIdx.x] == ignored) {
        for (int at = first; at < vocabulary; at += BLOCK * CHUNK) store_chunk(logits, at, vocabulary, v);
        if (threadIdx.x == 0) losses[blockIdx.x] = 0.0f;
        return;
    }
    Target target = locate(targets[blockIdx.x], vocabulary);
    bool owner = threadIdx.x == (target.at + before) / CHUNK % BLOCK;
    float logit = owner ? logit_of(logits, target) : 0.0f;

    Online row = nothing_yet();
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        load_chunk(v, logits, first + h * BLOCK * CHUNK, vocabulary, minus_infinity());
        take(row, v);
        narrow<ELEMENT>(held[h], v);
    }
    for (int at = beyond; at < vocabulary; at += BLOCK * CHUNK) {
        load_chunk(v, logits, at, vocabulary, minus_infinity());
        take(row, v);
    }
    row = combine(row, scratch);

    float factor = target.known ? scale / row.sum : not_a_number();
    HOT_LOOP
    for (int h = 0; h < HELD; h++) {
        widen<ELEMENT>(v, held[h]);
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] = expf(v[i] - row.most) * factor;
        store_chunk(logits, first + h * BLOCK * CHUNK, vocabulary, v);
    }
    for (int at = beyond; at < vocabulary; at += BLOCK * CHUNK) {
        load_chunk(v, logits, at, vocabulary, minus_infinity());
        HOT_LOOP
        for (int i = 0; i < CHUNK; i++) v[i] = expf(v[i] - row.most) * factor;
        store_chunk(logits, at, vocabulary, v);
    }
    if (owner) {
        logits[target.at] = target_gradient(logit, row.most, row.sum, scale);
        losses[blockIdx.x] = loss_of(logit, row.most, row.sum);
    }
}
