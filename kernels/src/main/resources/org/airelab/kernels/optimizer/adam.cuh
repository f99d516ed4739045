// A step of Adam for one element, with the constants of AdamConstants. Rounded where the CPU's vectors round, so that
// the results have the same bits: a product is either alone or part of a fused addition.
#pragma once
#include "lab.cuh"

#define ADAM_PARAMETERS float gradient_scale, float shrink, float coupled_decay, float beta2, float new_gradient, \
    float new_square, float step_size, float root, float epsilon
#define ADAM Adam{gradient_scale, shrink, coupled_decay, beta2, new_gradient, new_square, step_size, root, epsilon}

struct Adam {
    float gradient_scale, shrink, coupled_decay, beta2, new_gradient, new_square, step_size, root, epsilon;

    DEVICE void step(float &weight, float gradient, float &first, float &second) const {
        float w = weight * shrink;
        float g = fmaf(w, coupled_decay, gradient * gradient_scale);
        first = fmaf(g - first, new_gradient, first);
        second = fmaf(g * g, new_square, second * beta2);
        weight = fmaf(first / fmaf(sqrtf(second), root, epsilon), -step_size, w);
    }
};
