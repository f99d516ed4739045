// Functions of one element and their slopes, in float32. Where an exponential overflows, the result that is left of it,
// smaller than 1e-36, becomes 0.
#pragma once
#include "lab.cuh"

DEVICE float relu(float x) { return x <= 0.0f ? 0.0f : x; }

DEVICE float relu_slope(float x) { return x <= 0.0f ? 0.0f : 1.0f; }

DEVICE float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

DEVICE float silu(float x) { return x / (1.0f + expf(-x)); }

DEVICE float silu_slope(float x) {
    float s = sigmoid(x);
    return fmaf(x * (1.0f - s), s, s);
}

// Phi(x) of the normal distribution, given bell = e^(-x^2 / 2). With a = |x|, e^(a^2/2) Phi(-a) is a polynomial in
// t = 1 / (1 + 0.26 a), minimax over a in [0, 13.3], relative error 6e-8: unlike (1 + erf) / 2 exact for x < 0 too, and
// the bell is there for the slope.
DEVICE float normal_distribution(float x, float bell) {
    float t = 1.0f / fmaf(0.26f, fabsf(x), 1.0f);
    float p = fmaf(t, 0.030896084383130074f, -0.15474021434783936f);
    p = fmaf(t, p, 0.25546666979789734f);
    p = fmaf(t, p, -0.1555359661579132f);
    p = fmaf(t, p, 0.16415250301361084f);
    p = fmaf(t, p, 0.04964245855808258f);
    p = fmaf(t, p, 0.10339134186506271f);
    p = fmaf(t, p, 0.10296493023633957f);
    p = fmaf(t, p, 0.103762187063694f);
    float tail = p * t * bell;
    return x > 0.0f ? 1.0f - tail : tail;
}

// x Phi(x).
DEVICE float gelu(float x) { return x * normal_distribution(x, expf(-0.5f * x * x)); }

DEVICE float gelu_slope(float x) {
    const float density = 0.3989422804014327f; // 1 / sqrt(2 pi)
    float bell = expf(-0.5f * x * x);
    return fmaf(x * bell, density, normal_distribution(x, bell));
}

// GELU by its tanh approximation is x / (1 + e^z), z = -2 sqrt(2 / pi) (x + 0.044715 x^3): no difference of near equals
// for x < 0.
DEVICE float gelu_tanh_exponent(float x) {
    return fmaf(x * x, -0.07135481627260025f, -1.5957691216057308f) * x;
}

DEVICE float gelu_tanh(float x) { return x / (1.0f + expf(gelu_tanh_exponent(x))); }

// s + x s (1 - s) (-z)' with s = 1 / (1 + e^z); s (1 - s) is formed from e^-|z|, which neither overflows nor cancels.
// Where it is 0 the finite factor keeps it so.
DEVICE float gelu_tanh_slope(float x) {
    float z = gelu_tanh_exponent(x);
    float e = expf(-fabsf(z));
    float larger = 1.0f / (1.0f + e), smaller = e * larger;
    float inner = fminf(fmaf(x * x, 0.21406444881780076f, 1.5957691216057308f), 3e38f);
    return fmaf(x * (larger * smaller), inner, z > 0.0f ? smaller : larger);
}
