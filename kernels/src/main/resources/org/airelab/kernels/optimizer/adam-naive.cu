// Adam, naive: an element a thread.
#include "adam.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
adam_step(float *weights, const float *gradient, float *first, float *second, long long count, ADAM_PARAMETERS) {
    long long i = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (i < count) ADAM.step(weights[i], gradient[i], first[i], second[i]);
}
