// A step of RMSProp for one element, with the constants of RmsPropConstants, rounded where the CPU's vectors round. The
// mean of the gradients and the velocity are there or not for all elements alike.
#pragma once
#include "lab.cuh"

#define RMS_PROP_PARAMETERS float gradient_scale, float decay, float alpha, float fresh, float epsilon, \
    float momentum, float learning_rate
#define RMS_PROP RmsProp{gradient_scale, decay, alpha, fresh, epsilon, momentum, learning_rate}

struct RmsProp {
    float gradient_scale, decay, alpha, fresh, epsilon, momentum, learning_rate;

    DEVICE void step(float &weight, float gradient, float &squares, float *mean, float *velocity) const {
        float g = fmaf(weight, decay, gradient * gradient_scale);
        squares = fmaf(g * g, fresh, squares * alpha);
        float variance = squares;
        if (mean != nullptr) {
            *mean = fmaf(g, fresh, *mean * alpha);
            variance = fmaf(-*mean, *mean, variance);
        }
        float direction = g / (sqrtf(variance) + epsilon);
        if (velocity != nullptr) direction = *velocity = fmaf(*velocity, momentum, direction);
        weight = fmaf(direction, -learning_rate, weight);
    }
};
