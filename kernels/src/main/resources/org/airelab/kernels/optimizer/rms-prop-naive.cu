// RMSProp, naive: an element a thread. Without centering there is no mean of the gradients, without momentum no
// velocity.
#include "rms-prop.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
rms_prop_step(float *weights, const float *gradient, float *squares, float *mean, float *velocity, long long count,
              RMS_PROP_PARAMETERS) {
    long long i = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (i >= count) return;
    RMS_PROP.step(weights[i], gradient[i], squares[i], mean == nullptr ? nullptr : mean + i,
                  velocity == nullptr ? nullptr : velocity + i);
}
