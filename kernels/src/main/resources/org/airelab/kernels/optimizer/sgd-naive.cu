// SGD, naive: an element a thread. Without momentum there is no velocity.
#include "sgd.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
sgd_step(float *weights, const float *gradient, float *velocity, long long count, SGD_PARAMETERS) {
    long long i = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (i >= count) return;
    if (velocity == nullptr) SGD.step(weights[i], gradient[i]);
    else SGD.step(weights[i], gradient[i], velocity[i]);
}
