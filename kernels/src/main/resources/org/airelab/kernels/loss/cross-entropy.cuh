// What the rungs of cross-entropy share: losses are log(sum of e^logit) - logit of the target, float32; the gradient of
// logit i is (e^logit / sum - [i is the target]) * scale, and takes the logit's place.
#include "rows.cuh"

// Where the target of a row is. One thread alone reads it, and overwrites it after the rest of its own elements. A
// target outside of the row makes the row's loss and gradient NaN, and is taken for 0.
struct Target {
    bool known;
    int at;
};

DEVICE Target locate(long long target, int vocabulary) {
    bool known = target >= 0 && target < vocabulary;
    return Target{known, known ? (int) target : 0};
}

DEVICE float logit_of(const ELEMENT *row, Target target) {
    return target.known ? to_float(row[target.at]) : not_a_number();
}

// The difference first: of a sure prediction's loss not much would be left beside a large logit.
DEVICE float loss_of(float logit, float most, float sum) { return logf(sum) + (most - logit); }

DEVICE ELEMENT target_gradient(float logit, float most, float sum, float scale) {
    return from_float<ELEMENT>((expf(logit - most) / sum - 1.0f) * scale);
}
