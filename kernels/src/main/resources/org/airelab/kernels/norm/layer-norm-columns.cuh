// Partial sums of the gradients of weight and bias over `each` rows, a thread a column, for rungs that form them apart
// from dx. bias_partials may be null.
extern "C" __global__ void __launch_bounds__(BLOCK)
layer_norm_partials(const ELEMENT *dy, const ELEMENT *x, const float *mean, const float *rstd, float *weight_partials,
                    float *bias_partials, int rows, int width, int each) {
    int column = blockIdx.x * BLOCK + threadIdx.x;
    if (column >= width) return;
    int end = min(rows, ((int) blockIdx.y + 1) * each);
    float weight_sum = 0.0f, bias_sum = 0.0f;
    for (int row = blockIdx.y * each; row < end; row++) {
        long long i = (long long) row * width + column;
        weight_sum += to_float(dy[i]) * ((to_float(x[i]) - mean[row]) * rstd[row]);
        bias_sum += to_float(dy[i]);
    }
    weight_partials[(long long) blockIdx.y * width + column] = weight_sum;
    if (bias_partials != nullptr) bias_partials[(long long) blockIdx.y * width + column] = bias_sum;
}
