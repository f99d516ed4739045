// An activation and its gradient, naive: an element a thread. Macros: CURVE and SLOPE, functions of curves.cuh.
#include "curves.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK) activation_forward(const ELEMENT *x, ELEMENT *y, long long count) {
    long long i = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (i < count) y[i] = from_float<ELEMENT>(CURVE(to_float(x[i])));
}

extern "C" __global__ void __launch_bounds__(BLOCK)
activation_backward(const ELEMENT *dy, const ELEMENT *x, ELEMENT *dx, long long count) {
    long long i = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (i < count) dx[i] = from_float<ELEMENT>(to_float(dy[i]) * SLOPE(to_float(x[i])));
}
