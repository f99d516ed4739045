// Cross-entropy of rows, naive: a thread a row. Neighbouring threads read elements a whole row apart, and each row is
// read for its largest element, for the sum, and for the gradient.
#include "cross-entropy.cuh"

DEVICE void statistics(const ELEMENT *row, int vocabulary, float &most, float &sum) {
    most = minus_infinity();
    for (int i = 0; i < vocabulary; i++) most = fmaxf(most, to_float(row[i]));
    sum = 0.0f;
    for (int i = 0; i < vocabulary; i++) sum += expf(to_float(row[i]) - most);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
cross_entropy_forward(const ELEMENT *logits, const long long *targets, float *losses, int rows, int vocabulary,
                      long long ignored) {
    int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    logits += (long long) row * vocabulary;
    if (targets[row] == ignored) {
        losses[row] = 0.0f;
        return;
    }
    float most, sum;
    statistics(logits, vocabulary, most, sum);
    losses[row] = loss_of(logit_of(logits, locate(targets[row], vocabulary)), most, sum);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
cross_entropy_forward_backward(ELEMENT *logits, const long long *targets, float *losses, int rows, int vocabulary,
                               long long ignored, float scale) {
    int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    logits += (long long) row * vocabulary;
    if (targets[row] == ignored) {
        for (int i = 0; i < vocabulary; i++) logits[i] = from_float<ELEMENT>(0.0f);
        losses[row] = 0.0f;
        return;
    }
    Target target = locate(targets[row], vocabulary);
    float most, sum, logit = logit_of(logits, target);
    statistics(logits, vocabulary, most, sum);
    float factor = target.known ? scale / sum : not_a_number();
    for (int i = 0; i < vocabulary; i++) logits[i] = from_float<ELEMENT>(expf(to_float(logits[i]) - most) * factor);
    logits[target.at] = target_gradient(logit, most, sum, scale);
    losses[row] = loss_of(logit, most, sum);
}
