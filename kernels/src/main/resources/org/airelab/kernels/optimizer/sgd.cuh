// A step of SGD for one element, with the constants of SgdConstants, rounded where the CPU's vectors round.
#pragma once
#include "lab.cuh"

#define SGD_PARAMETERS float gradient_scale, float learning_rate, float decay, float keep, float take, \
    float gradient_share, float velocity_share
#define SGD Sgd{gradient_scale, learning_rate, decay, keep, take, gradient_share, velocity_share}

struct Sgd {
    float gradient_scale, learning_rate, decay, keep, take, gradient_share, velocity_share;

    DEVICE float decayed(float weight, float gradient) const {
        return fmaf(weight, decay, gradient * gradient_scale);
    }

    DEVICE void step(float &weight, float gradient) const {
        weight = fmaf(decayed(weight, gradient), -learning_rate, weight);
    }

    DEVICE void step(float &weight, float gradient, float &velocity) const {
        float g = decayed(weight, gradient);
        velocity = fmaf(g, take, velocity * keep);
        weight = fmaf(fmaf(velocity, velocity_share, g * gradient_share), -learning_rate, weight);
    }
};
