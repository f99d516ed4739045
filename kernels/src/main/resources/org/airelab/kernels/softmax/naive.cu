// Softmax of rows, naive: a thread a row. Neighbouring threads read elements a whole row apart.
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK) softmax_forward(const ELEMENT *x, ELEMENT *y, int rows, int width) {
    int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    x += (long long) row * width;
    y += (long long) row * width;
    float most = minus_infinity();
    for (int i = 0; i < width; i++) most = fmaxf(most, to_float(x[i]));
    float sum = 0.0f;
    for (int i = 0; i < width; i++) sum += expf(to_float(x[i]) - most);
    for (int i = 0; i < width; i++) y[i] = from_float<ELEMENT>(expf(to_float(x[i]) - most) / sum);
}

extern "C" __global__ void __launch_bounds__(BLOCK)
softmax_backward(const ELEMENT *dy, const ELEMENT *y, ELEMENT *dx, int rows, int width) {
    int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) return;
    dy += (long long) row * width;
    y += (long long) row * width;
    dx += (long long) row * width;
    float dot = 0.0f;
    for (int i = 0; i < width; i++) dot += to_float(dy[i]) * to_float(y[i]);
    for (int i = 0; i < width; i++) dx[i] = from_float<ELEMENT>(to_float(y[i]) * (to_float(dy[i]) - dot));
}
