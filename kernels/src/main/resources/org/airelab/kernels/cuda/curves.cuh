// Functions of one element and their slopes, in float32. Where an exponential overflows, the result that is left of it,
// smaller than 1e-36, becomes 0.
#pragma once
#include "lab.cuh"

DEVICE float relu(float x) { return x <= 0.0f ? 0.0f : x; }

DEVICE float relu_slope(float x) { return x <= 0.0f ? 0.0f : 1.0f; }

// e^(factor x), and x / y for y of at least 1. Rounding to a half type hides the error of one instruction each, a few
// 2^-23; float32 takes what is exact.
const bool HALF = sizeof(ELEMENT) == 2;

DEVICE float exponential(float x, float factor) {
    return HALF ? exp2_flushed(x * (factor * 1.4426950408889634f)) : expf(factor * x);
}

DEVICE float quotient(float x, float y) { return HALF ? x * reciprocal_flushed(y) : x / y; }

DEVICE float sigmoid(float x) { return quotient(1.0f, 1.0f + exponential(x, -1.0f)); }

DEVICE float silu(float x) { return quotient(x, 1.0f + exponential(x, -1.0f)); }

DEVICE float silu_slope(float x) {
    float s = sigmoid(x);
    return fmaf(x * (1.0f - s), s, s);
}

// e^(-x^2 / 2).
DEVICE float bell_curve(float x) { return exponential(x * x, -0.5f); }

// With a = |x|, e^(a^2/2) Phi(-a) is a polynomial in t = 1 / (1 + k a), minimax over a in [0, 13.3]: of relative error
// 6e-8 for float32, 5e-6 for the half types, whose rounding is 40 times as coarse.
DEVICE float scaled_tail(float a) {
    float t = quotient(1.0f, fmaf(HALF ? 0.31f : 0.26f, a, 1.0f)), p;
    if (HALF) {
        p = fmaf(t, -0.07392914593219757f, 0.18045035004615784f);
        p = fmaf(t, p, 0.015744704753160477f);
        p = fmaf(t, p, 0.13342979550361633f);
        p = fmaf(t, p, 0.12044127285480499f);
        p = fmaf(t, p, 0.12386070191860199f);
    } else {
        p = fmaf(t, 0.030896084383130074f, -0.15474021434783936f);
        p = fmaf(t, p, 0.25546666979789734f);
        p = fmaf(t, p, -0.1555359661579132f);
        p = fmaf(t, p, 0.16415250301361084f);
        p = fmaf(t, p, 0.04964245855808258f);
        p = fmaf(t, p, 0.10339134186506271f);
        p = fmaf(t, p, 0.10296493023633957f);
        p = fmaf(t, p, 0.103762187063694f);
    }
    return p * t;
}

// Phi(x) of the normal distribution, given bell = e^(-x^2 / 2): unlike (1 + erf) / 2 exact for x < 0 too, and the bell
// is there for the slope.
DEVICE float normal_distribution(float x, float bell) {
    float tail = scaled_tail(fabsf(x)) * bell;
    return x > 0.0f ? 1.0f - tail : tail;
}

// x Phi(x).
DEVICE float gelu(float x) { return x * normal_distribution(x, bell_curve(x)); }

DEVICE float gelu_slope(float x) {
    const float density = 0.3989422804014327f; // 1 / sqrt(2 pi)
    float bell = bell_curve(x);
    return fmaf(x * bell, density, normal_distribution(x, bell));
}

// GELU by its tanh approximation is x / (1 + e^z), z = -2 sqrt(2 / pi) (x + 0.044715 x^3): no difference of near equals
// for x < 0.
DEVICE float gelu_tanh_exponent(float x) {
    return fmaf(x * x, -0.07135481627260025f, -1.5957691216057308f) * x;
}

DEVICE float gelu_tanh(float x) { return quotient(x, 1.0f + exponential(gelu_tanh_exponent(x), 1.0f)); }

// s + x s (1 - s) (-z)' with s = 1 / (1 + e^z); s (1 - s) is formed from e^-|z|, which neither overflows nor cancels.
// Where it is 0 the finite factor keeps it so.
DEVICE float gelu_tanh_slope(float x) {
    float z = gelu_tanh_exponent(x);
    float e = exponential(fabsf(z), -1.0f);
    float larger = quotient(1.0f, 1.0f + e), smaller = e * larger;
    float inner = fminf(fmaf(x * x, 0.21406444881780076f, 1.5957691216057308f), 3e38f);
    return fmaf(x * (larger * smaller), inner, z > 0.0f ? smaller : larger);
}
