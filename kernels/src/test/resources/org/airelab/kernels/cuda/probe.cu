// Kernels for the tests of the compiler and the launcher: a parameter of each kind, none, spills, an error.
// local memory: 4096 bytes, because the arrays of `spilling` are indexed by what is only known when it runs.
#ifndef TILE
#define TILE 4
#endif

struct alignas(64) TensorMap { unsigned char bytes[128]; };

extern "C" __global__ void __launch_bounds__(64) all_kinds(long long *out, int i, long long l, float f,
        double d /* a comment, with a comma */, const __grid_constant__ TensorMap map, const void *none) {
    __shared__ double shared[TILE];
    shared[threadIdx.x % TILE] = d;
    __syncthreads();
    if (threadIdx.x == 0) {
        out[0] = i;
        out[1] = l;
        out[2] = (long long) (f * 1000);
        out[3] = (long long) (shared[0] * 1000);
        out[4] = map.bytes[0];
        out[5] = (long long) none;
    }
}

extern "C" __global__ void no_parameters() {
}

extern "C" __global__ void add_index(float *x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += i;
}

#ifdef SPILL
extern "C" __global__ void spilling(float *x, int at) {
    float local[SPILL];
    for (int i = 0; i < SPILL; i++) local[i] = x[i];
    x[at] = local[at];
}
#endif

#ifdef BROKEN
int broken = undeclared_name;
#endif
