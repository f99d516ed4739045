// Partial sums of the weight's gradient over `each` rows, a thread a column, for rungs that form it apart from dx.
extern "C" __global__ void __launch_bounds__(BLOCK)
rms_norm_partials(const ELEMENT *dy, const ELEMENT *x, const float *rstd, float *partials, int rows, int width,
                  int each) {
    int column = blockIdx.x * BLOCK + threadIdx.x;
    if (column >= width) return;
    int end = min(rows, ((int) blockIdx.y + 1) * each);
    float sum = 0.0f;
    for (int row = blockIdx.y * each; row < end; row++) {
        long long i = (long long) row * width + column;
        sum += to_float(dy[i]) * to_float(x[i]) * rstd[row];
    }
    partials[(long long) blockIdx.y * width + column] = sum;
}
