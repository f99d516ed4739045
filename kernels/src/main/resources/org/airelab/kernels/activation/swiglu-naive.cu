// SwiGLU, naive: an element of y a thread, which divides to find its row.
#include "curves.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK)
swiglu_forward(const ELEMENT *gate_up, ELEMENT *y, int rows, long long hidden) {
    long long i = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (i >= rows * hidden) return;
    const ELEMENT *gate = gate_up + i / hidden * 2 * hidden + i % hidden;
    y[i] = from_float<ELEMENT>(silu(to_float(gate[0])) * to_float(gate[hidden]));
}

extern "C" __global__ void __launch_bounds__(BLOCK)
swiglu_backward(const ELEMENT *dy, const ELEMENT *gate_up, ELEMENT *d_gate_up, int rows, long long hidden) {
    long long i = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (i >= rows * hidden) return;
    long long at = i / hidden * 2 * hidden + i % hidden;
    float gradient = to_float(dy[i]), gate = to_float(gate_up[at]), up = to_float(gate_up[at + hidden]);
    d_gate_up[at] = from_float<ELEMENT>(gradient * up * silu_slope(gate));
    d_gate_up[at + hidden] = from_float<ELEMENT>(gradient * silu(gate));
}
