// Rotation of packed rows, naive: a thread a pair of elements. Each access is of one element, and each thread looks up
// the cosine and the sine of its own pair.
#include "lab.cuh"

// cosines and sines are float32 [time, size]. Of a row's `row_heads` heads the first `rotated` are turned, those up to
// `heads` copied; the elements of a pair lie `distance` apart.
extern "C" __global__ void __launch_bounds__(BLOCK)
rotary(const float *cosines, const float *sines, const ELEMENT *source, ELEMENT *target, long long pairs, int time,
       int rotated, int heads, int row_heads, int size, int distance, float sign) {
    long long at = (long long) blockIdx.x * BLOCK + threadIdx.x;
    if (at >= pairs) return;
    int pair = (int) (at % (size / 2)), head = (int) (at / (size / 2) % heads);
    long long row = at / (size / 2) / heads;
    int first = distance == 1 ? 2 * pair : pair;
    long long i = (row * row_heads + head) * size + first;
    float x = to_float(source[i]), y = to_float(source[i + distance]);
    if (head < rotated) {
        long long entry = row % time * size + first;
        float cosine = cosines[entry], sine = sines[entry + distance] * sign, turned = x * cosine - y * sine;
        y = y * cosine + x * sine;
        x = turned;
    }
    target[i] = from_float<ELEMENT>(x);
    target[i + distance] = from_float<ELEMENT>(y);
}
