// Layer norm, naive: a thread a row. Neighbouring threads read elements a whole row apart.
#include "lab.cuh"
#include "layer-norm-columns.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
layer_norm_forward(const ELEMENT *x, const ELEMENT *added, ELEMENT *sum, const ELEMENT *weight, const ELEMENT *bias,
                   ELEMENT *y, float *mean, float *rstd, int rows, int width, float eps) {
    int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    x += (long long) row * width;
    y += (long long) row * width;
    if (sum != nullptr) {
        added += (long long) row * width;
        sum += (long long) row * width;
        for (int i = 0; i < width; i++) sum[i] = from_float<ELEMENT>(to_float(x[i]) + to_float(added[i]));
        x = sum;
    }
    float total = 0.0f;
    for (int i = 0; i < width; i++) total += to_float(x[i]);
    float m = total / width;
    float squares = 0.0f;
    for (int i = 0; i < width; i++) squares += (to_float(x[i]) - m) * (to_float(x[i]) - m);
    float r = rsqrtf(squares / width + eps);
    for (int i = 0; i < width; i++) {
        float shift = bias == nullptr ? 0.0f : to_float(bias[i]);
        y[i] = from_float<ELEMENT>((to_float(x[i]) - m) * r * to_float(weight[i]) + shift);
    }
    mean[row] = m;
    rstd[row] = r;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
layer_norm_backward(const ELEMENT *dy, const ELEMENT *d_sum, const ELEMENT *x, const ELEMENT *weight, const float *mean,
                    const float *rstd, ELEMENT *dx, int rows, int width) {
    int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    dy += (long long) row * width;
    x += (long long) row * width;
    dx += (long long) row * width;
    if (d_sum != nullptr) d_sum += (long long) row * width;
    float m = mean[row], r = rstd[row], sum = 0.0f, dot = 0.0f;
    for (int i = 0; i < width; i++) {
        float gradient = to_float(dy[i]) * to_float(weight[i]);
        sum += gradient;
        dot += gradient * ((to_float(x[i]) - m) * r);
    }
    sum = sum / width;
    dot = dot / width;
    for (int i = 0; i < width; i++) {
        float normal = (to_float(x[i]) - m) * r;
        float beside = d_sum == nullptr ? 0.0f : to_float(d_sum[i]);
        dx[i] = from_float<ELEMENT>((to_float(dy[i]) * to_float(weight[i]) - sum - normal * dot) * r + beside);
    }
}
