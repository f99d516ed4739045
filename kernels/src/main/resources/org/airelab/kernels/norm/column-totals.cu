// The sums of partial sums over the rows, a thread a column: the second stage of a norm's parameter gradients. They are
// always added in the same order; partials [count, width].
#include "lab.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
column_totals(const float *partials, ELEMENT *totals, int count, int width) {
    int column = blockIdx.x * BLOCK + threadIdx.x;
    if (column >= width) return;
    float sum = 0.0f;
    for (int i = 0; i < count; i++) sum += partials[(long long) i * width + column];
    totals[column] = from_float<ELEMENT>(sum);
}
