// Attention as the formula reads, each step a kernel, the matrices of scores and probabilities whole in memory: float32
// [batch, heads, time, time]. A thread an element (a warp a row for what sums over a row), no shared memory.
// Macro: ELEMENT.
#include "attention.cuh"

struct Score { int sequence, head, query, key; };

DEVICE bool locate(Score &at, long long index, Heads h, int batch) {
    if (index >= (long long) batch * h.heads * h.time * h.time) return false;
    at.key = index % h.time;
    at.query = index / h.time % h.time;
    at.head = index / h.time / h.time % h.heads;
    at.sequence = index / h.time / h.time / h.heads;
    return true;
}

DEVICE long long thread_index() { return (long long) blockIdx.x * blockDim.x + threadIdx.x; }

DEVICE float dot(const Element *a, const Element *b, int size) {
    float sum = 0;
    for (int d = 0; d < size; d++) sum += to_float(a[d]) * to_float(b[d]);
    return sum;
}

DEVICE float score(const Element *qkv, Score at, Heads h, int causal, float scale) {
    if (causal && at.key > at.query) return -infinity();
    return scale * dot(qkv + h.query(at.sequence, at.query, at.head),
                       qkv + h.key(at.sequence, at.key, at.head / h.group()), h.size);
}

extern "C" __global__ void attention_naive_scores(const Element *qkv, float *scores, int batch, int time, int heads,
                                                  int kv_heads, int size, int causal, float scale) {
    Heads h = {time, heads, kv_heads, size};
    Score at;
    if (locate(at, thread_index(), h, batch)) scores[thread_index()] = score(qkv, at, h, causal, scale);
}

// Turns rows of scores into probabilities, a warp a row.
extern "C" __global__ void attention_naive_softmax(float *scores, float *lse, long long rows, int time) {
    long long row = thread_index() / 32;
    int lane = threadIdx.x % 32;
    if (row >= rows) return;
    float *s = scores + row * time;
    float max = -infinity();
    for (int j = lane; j < time; j += 32) max = fmaxf(max, s[j]);
    max = warp_max(max);
    float shift = max == -infinity() ? 0 : max; // a row of nothing but -infinity must not subtract it from itself
    float sum = 0;
    for (int j = lane; j < time; j += 32) {
        s[j] = expf(s[j] - shift);
        sum += s[j];
    }
    sum = warp_sum(sum);
    for (int j = lane; j < time; j += 32) s[j] /= sum;
    if (lane == 0) lse[row] = max + logf(sum);
}

// out [batch, time, heads, size]
extern "C" __global__ void attention_naive_values(const Element *qkv, const float *probabilities, Element *out,
                                                  int batch, int time, int heads, int kv_heads, int size, int causal) {
    Heads h = {time, heads, kv_heads, size};
    long long index = thread_index();
    if (index >= (long long) batch * time * h.out_width()) return;
    int d = index % size, head = index / size % heads, i = index / h.out_width() % time;
    int sequence = index / h.out_width() / time;
    const float *p = probabilities + h.lse(sequence, i, head) * time;
    const Element *v = qkv + h.value(sequence, 0, head / h.group()) + d;
    float sum = 0;
    int seen = causal ? i + 1 : time;
    for (int j = 0; j < seen; j++) sum += p[j] * to_float(v[(long long) j * h.width()]);
    out[index] = from_float<Element>(sum);
}

extern "C" __global__ void attention_naive_deltas(const Element *d_out, const Element *out, float *deltas, int batch,
                                                  int time, int heads, int kv_heads, int size) {
    row_deltas(d_out, out, deltas, Heads{time, heads, kv_heads, size}, batch);
}

// The probabilities again, and the scores' gradients, which share their layout.
extern "C" __global__ void attention_naive_d_scores(const Element *d_out, const Element *qkv, const float *lse,
                                                    const float *deltas, float *probabilities, float *d_scores,
                                                    int batch, int time, int heads, int kv_heads, int size, int causal,
                                                    float scale) {
    Heads h = {time, heads, kv_heads, size};
    Score at;
    if (!locate(at, thread_index(), h, batch)) return;
    long long row = h.lse(at.sequence, at.query, at.head);
    float p = expf(score(qkv, at, h, causal, scale) - lse[row]);
    float d_p = dot(d_out + h.out(at.sequence, at.query, at.head),
                    qkv + h.value(at.sequence, at.key, at.head / h.group()), size);
    probabilities[thread_index()] = p;
    d_scores[thread_index()] = causal && at.key > at.query ? 0 : p * (d_p - deltas[row]) * scale;
}

// The gradients of the packed rows, a thread an element: a query's sums over the keys, a key's and a value's over the
// queries of all heads that read it.
extern "C" __global__ void attention_naive_d_qkv(const Element *d_out, const Element *qkv, const float *probabilities,
                                                 const float *d_scores, Element *d_qkv, int batch, int time, int heads,
                                                 int kv_heads, int size, int causal) {
    Heads h = {time, heads, kv_heads, size};
    long long index = thread_index();
    if (index >= (long long) batch * time * h.width()) return;
    int d = index % size, slot = index / size % (heads + 2 * kv_heads), position = index / h.width() % time;
    int sequence = index / h.width() / time;
    float sum = 0;
    if (slot < heads) {
        const float *ds = d_scores + h.lse(sequence, position, slot) * time;
        const Element *k = qkv + h.key(sequence, 0, slot / h.group()) + d;
        int seen = causal ? position + 1 : time;
        for (int j = 0; j < seen; j++) sum += ds[j] * to_float(k[(long long) j * h.width()]);
    } else {
        bool values = slot >= heads + kv_heads;
        int first_head = (slot - heads - (values ? kv_heads : 0)) * h.group();
        for (int head = first_head; head < first_head + h.group(); head++) {
            const float *weights = (values ? probabilities : d_scores) + h.lse(sequence, 0, head) * time + position;
            const Element *rows = values ? d_out + h.out(sequence, 0, head) + d : qkv + h.query(sequence, 0, head) + d;
            long long width = values ? h.out_width() : h.width();
            for (int i = causal ? position : 0; i < time; i++) {
                sum += weights[(long long) i * time] * to_float(rows[i * width]);
            }
        }
    }
    d_qkv[index] = from_float<Element>(sum);
}
