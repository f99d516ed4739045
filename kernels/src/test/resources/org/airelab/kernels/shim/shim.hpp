// The built-ins of CUDA C++ and the host half of lab.cuh, for kernels that g++ compiles and shim.cpp runs on a CPU: a
// fiber a thread, one block at a time. Kernels are compiled with -fsanitize=thread, whose calls shim.cpp answers, so
// nothing in this header may touch the kernel's memory uninstrumented.
#pragma once

#define DEVICE inline __attribute__((always_inline))
#define DYNAMIC_SHARED(type, name) type *name = static_cast<type *>(lab_dynamic_shared())
#define HOT_LOOP
#define COLD_LOOP
typedef __SIZE_TYPE__ size_t;
#define __device__
#define __host__
// HostCompiler finds the entries by this attribute.
#define __global__ __attribute__((used, visibility("default")))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __constant__ static const
#define __grid_constant__
// One block runs at a time, so that a block's shared memory can be static; the section tells where it lies.
#define __shared__ static __attribute__((section("lab_shared")))

struct alignas(8) float2 { float x, y; };
struct float3 { float x, y, z; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct uint3 { unsigned x, y, z; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(4) ushort2 { unsigned short x, y; };
struct alignas(8) ushort4 { unsigned short x, y, z, w; };
DEVICE float2 make_float2(float x, float y) { return {x, y}; }
DEVICE float3 make_float3(float x, float y, float z) { return {x, y, z}; }
DEVICE float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
DEVICE int2 make_int2(int x, int y) { return {x, y}; }
DEVICE int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
DEVICE uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
DEVICE uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
DEVICE double2 make_double2(double x, double y) { return {x, y}; }

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct LabFour { float x, y, z, w; };

extern "C" {
// Constant for as long as a thread lives, which is what the attribute needs.
__attribute__((const)) uint3 lab_thread_index();
__attribute__((const)) uint3 lab_block_index();
__attribute__((const)) uint3 lab_block_size();
__attribute__((const)) uint3 lab_grid_size();
void *lab_dynamic_shared();
void lab_syncthreads();
void lab_syncwarp(unsigned mask);
unsigned long long lab_shuffle(int kind, unsigned mask, unsigned long long value, int by, int width);
unsigned lab_ballot(unsigned mask, int predicate);
LabFour lab_mma(int bfloat, float d0, float d1, float d2, float d3, unsigned a0, unsigned a1, unsigned a2, unsigned a3,
                unsigned b0, unsigned b1);
uint4 lab_ldmatrix(int transposed, const void *row);
void lab_cp_async(void *shared, const void *global, int bytes, bool valid);
void lab_cp_async_commit();
void lab_cp_async_wait(int groups);
void lab_atomic(void *address, int bytes);
}

#define threadIdx (lab_thread_index())
#define blockIdx (lab_block_index())
#define blockDim (lab_block_size())
#define gridDim (lab_grid_size())
#define warpSize 32
#define __syncthreads() lab_syncthreads()

DEVICE void __syncwarp(unsigned mask = 0xffffffffu) { lab_syncwarp(mask); }
DEVICE void __threadfence() {}
DEVICE void __threadfence_block() {}

template <class To, class From> DEVICE To lab_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "a reinterpretation keeps the size");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

// A value of 4 or 8 bytes in the 8 that a shuffle carries.
template <class T> DEVICE unsigned long long lab_widen(T value) {
    if constexpr (sizeof(T) == 8) return lab_bits<unsigned long long>(value);
    else return lab_bits<unsigned>(value);
}
template <class T> DEVICE T lab_narrow(unsigned long long bits) {
    if constexpr (sizeof(T) == 8) return lab_bits<T>(bits);
    else return lab_bits<T>((unsigned) bits);
}

template <class T> DEVICE T __shfl_xor_sync(unsigned mask, T value, int by, int width = 32) {
    return lab_narrow<T>(lab_shuffle(0, mask, lab_widen(value), by, width));
}
template <class T> DEVICE T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
    return lab_narrow<T>(lab_shuffle(1, mask, lab_widen(value), (int) by, width));
}
template <class T> DEVICE T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
    return lab_narrow<T>(lab_shuffle(2, mask, lab_widen(value), (int) by, width));
}
template <class T> DEVICE T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
    return lab_narrow<T>(lab_shuffle(3, mask, lab_widen(value), lane, width));
}

DEVICE unsigned __ballot_sync(unsigned mask, int predicate) { return lab_ballot(mask, predicate); }
DEVICE int __any_sync(unsigned mask, int predicate) { return lab_ballot(mask, predicate) != 0; }
DEVICE int __all_sync(unsigned mask, int predicate) { return lab_ballot(mask, !predicate) == 0; }

template <class T> DEVICE T __reduce_add_sync(unsigned mask, T value) {
    for (int by = 16; by > 0; by /= 2) value += __shfl_xor_sync(mask, value, by);
    return value;
}

// Atomics: nothing else runs meanwhile; lab_atomic checks the access.
#define LAB_ATOMIC(name, update) \
    template <class T> __attribute__((no_sanitize_thread, noinline)) T name(T *address, T operand) { \
        lab_atomic(address, sizeof(T)); \
        T old = *address; \
        *address = update; \
        return old; \
    }
LAB_ATOMIC(atomicAdd, old + operand)
LAB_ATOMIC(atomicSub, old - operand)
LAB_ATOMIC(atomicExch, operand)
LAB_ATOMIC(atomicMax, old > operand ? old : operand)
LAB_ATOMIC(atomicMin, old < operand ? old : operand)
LAB_ATOMIC(atomicAnd, old & operand)
LAB_ATOMIC(atomicOr, old | operand)
template <class T> __attribute__((no_sanitize_thread, noinline)) T atomicCAS(T *address, T expected, T operand) {
    lab_atomic(address, sizeof(T));
    T old = *address;
    if (old == expected) *address = operand;
    return old;
}

template <class T> DEVICE T __ldg(const T *address) { return *address; }
template <class T> DEVICE T __ldcg(const T *address) { return *address; }
template <class T> DEVICE T __ldcs(const T *address) { return *address; }
template <class T> DEVICE void __stcg(T *address, T value) { *address = value; }
template <class T> DEVICE void __stcs(T *address, T value) { *address = value; }

#define LAB_MATH(name) extern "C" float name(float) noexcept;
LAB_MATH(expf) LAB_MATH(exp2f) LAB_MATH(expm1f) LAB_MATH(logf) LAB_MATH(log2f) LAB_MATH(log1pf) LAB_MATH(sqrtf)
LAB_MATH(tanhf) LAB_MATH(erff) LAB_MATH(sinf) LAB_MATH(cosf) LAB_MATH(fabsf) LAB_MATH(floorf) LAB_MATH(ceilf)
LAB_MATH(rintf) LAB_MATH(roundf)
extern "C" float fmaf(float, float, float) noexcept;
extern "C" float fminf(float, float) noexcept;
extern "C" float fmaxf(float, float) noexcept;
extern "C" float powf(float, float) noexcept;
extern "C" float fmodf(float, float) noexcept;
extern "C" float copysignf(float, float) noexcept;
extern "C" double exp(double) noexcept;
extern "C" double log(double) noexcept;
extern "C" double sqrt(double) noexcept;
extern "C" double fabs(double) noexcept;
DEVICE float rsqrtf(float x) { return 1 / sqrtf(x); }
DEVICE float __frcp_rn(float x) { return 1 / x; }
DEVICE float __fsqrt_rn(float x) { return sqrtf(x); }
DEVICE float __fadd_rn(float x, float y) { return x + y; }
DEVICE float __fmul_rn(float x, float y) { return x * y; }
DEVICE float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
DEVICE float __expf(float x) { return expf(x); }
DEVICE float __logf(float x) { return logf(x); }
DEVICE float __fdividef(float x, float y) { return x / y; }
DEVICE void sincosf(float x, float *sine, float *cosine) {
    *sine = sinf(x);
    *cosine = cosf(x);
}
DEVICE bool isnan(float x) { return x != x; }
DEVICE bool isinf(float x) { return fabsf(x) == __builtin_inff(); }
DEVICE bool isfinite(float x) { return fabsf(x) < __builtin_inff(); }
DEVICE float __uint_as_float(unsigned x) { return lab_bits<float>(x); }
DEVICE float __int_as_float(int x) { return lab_bits<float>(x); }
DEVICE unsigned __float_as_uint(float x) { return lab_bits<unsigned>(x); }
DEVICE int __float_as_int(float x) { return lab_bits<int>(x); }
DEVICE int __popc(unsigned x) { return __builtin_popcount(x); }
DEVICE int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned) x); }
DEVICE int __ffs(int x) { return __builtin_ffs(x); }

#define LAB_MIN_MAX(type) \
    DEVICE constexpr type min(type a, type b) { return b < a ? b : a; } \
    DEVICE constexpr type max(type a, type b) { return a < b ? b : a; }
LAB_MIN_MAX(int) LAB_MIN_MAX(unsigned) LAB_MIN_MAX(long) LAB_MIN_MAX(unsigned long) LAB_MIN_MAX(long long)
LAB_MIN_MAX(unsigned long long)
DEVICE float min(float a, float b) { return fminf(a, b); }
DEVICE float max(float a, float b) { return fmaxf(a, b); }

// Conversions of the half types, rounded to nearest, ties to even, as cvt.rn does it: NaN becomes 0x7fff, what is too
// large infinity.
DEVICE float to_float(f16 x) {
    unsigned sign = (x.bits & 0x8000u) << 16, exponent = x.bits >> 10 & 31, fraction = x.bits & 0x3ffu;
    if (exponent == 31) return __uint_as_float(fraction ? 0x7fffffffu : sign | 0x7f800000u);
    float magnitude = exponent ? __uint_as_float((exponent + 112) << 23 | fraction << 13) : fraction * 0x1p-24f;
    return __uint_as_float(sign | __float_as_uint(magnitude));
}
DEVICE float to_float(bf16 x) { return __uint_as_float((unsigned) x.bits << 16); }

template <class T> DEVICE T from_float(float x);
template <> DEVICE float from_float<float>(float x) { return x; }
template <> DEVICE f16 from_float<f16>(float x) {
    unsigned bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return f16{0x7fff};
    if (magnitude >= 0x477ff000u) return f16{(unsigned short) (sign | 0x7c00u)};
    if (magnitude < 0x38800000u) {
        // Adding 2^-1 leaves the subnormal's 2^-24 as the last bit of the sum, rounded by the addition.
        unsigned rounded = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000u;
        return f16{(unsigned short) (sign | rounded)};
    }
    unsigned rounded = magnitude + 0xfffu + (magnitude >> 13 & 1);
    return f16{(unsigned short) (sign | (rounded - 0x38000000u) >> 13)};
}
template <> DEVICE bf16 from_float<bf16>(float x) {
    unsigned bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return bf16{0x7fff};
    return bf16{(unsigned short) ((bits + 0x7fffu + (bits >> 16 & 1)) >> 16)};
}

template <class T> DEVICE unsigned pack(float low, float high) {
    return from_float<T>(low).bits | (unsigned) from_float<T>(high).bits << 16;
}

DEVICE float exp2_flushed(float x) {
    float y = exp2f(x);
    return y < 0x1p-126f ? 0 : y;
}

DEVICE float reciprocal_flushed(float x) {
    float y = 1 / x;
    return fabsf(y) < 0x1p-126f ? copysignf(0, y) : y;
}

DEVICE void write_16(void *global, const unsigned (&word)[4]) {
    *static_cast<uint4 *>(global) = make_uint4(word[0], word[1], word[2], word[3]);
}

DEVICE void forget(uint4 &) {}

template <class T> struct LabIsBfloat { static const int value = 0; };
template <> struct LabIsBfloat<bf16> { static const int value = 1; };
template <class T> DEVICE void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    LabFour sum = lab_mma(LabIsBfloat<T>::value, d[0], d[1], d[2], d[3], a[0], a[1], a[2], a[3], b[0], b[1]);
    d[0] = sum.x;
    d[1] = sum.y;
    d[2] = sum.z;
    d[3] = sum.w;
}

DEVICE void lab_ldmatrix_x4(unsigned (&r)[4], int transposed, const void *row) {
    uint4 matrices = lab_ldmatrix(transposed, row);
    r[0] = matrices.x;
    r[1] = matrices.y;
    r[2] = matrices.z;
    r[3] = matrices.w;
}
DEVICE void ldmatrix_x4(unsigned (&r)[4], const void *row) { lab_ldmatrix_x4(r, 0, row); }
DEVICE void ldmatrix_x4_trans(unsigned (&r)[4], const void *row) { lab_ldmatrix_x4(r, 1, row); }

DEVICE void cp_async_16(void *shared, const void *global, bool valid) { lab_cp_async(shared, global, 16, valid); }
DEVICE void cp_async_4(void *shared, const void *global, bool valid) { lab_cp_async(shared, global, 4, valid); }
DEVICE void cp_async_commit() { lab_cp_async_commit(); }
template <int N> DEVICE void cp_async_wait() { lab_cp_async_wait(N); }

#include "hopper.hpp"

// What HostLauncher calls: an entry with its arguments by address, the kinds of its parameters, and where the
// library's memory lies.
template <class T> struct LabKind;
template <class T> struct LabKind<T *> { static const char value = 'p'; };
template <> struct LabKind<int> { static const char value = 'i'; };
template <> struct LabKind<unsigned> { static const char value = 'i'; };
template <> struct LabKind<long> { static const char value = 'l'; };
template <> struct LabKind<unsigned long> { static const char value = 'l'; };
template <> struct LabKind<long long> { static const char value = 'l'; };
template <> struct LabKind<unsigned long long> { static const char value = 'l'; };
template <> struct LabKind<float> { static const char value = 'f'; };
template <> struct LabKind<double> { static const char value = 'd'; };
template <> struct LabKind<tensor_map> { static const char value = 'm'; };

template <class... A> struct LabKinds { static constexpr char value[] = {LabKind<A>::value..., 0}; };
template <class... A> const char *lab_kinds(void (*)(A...)) { return LabKinds<A...>::value; }

template <int... I> struct LabIndices {};
template <int N, int... I> struct LabCount : LabCount<N - 1, N - 1, I...> {};
template <int... I> struct LabCount<0, I...> { typedef LabIndices<I...> type; };
template <class... A, int... I> __attribute__((no_sanitize_thread))
void lab_call(void (*entry)(A...), void **arguments, LabIndices<I...>) { entry(*static_cast<A *>(arguments[I])...); }
template <class... A> __attribute__((no_sanitize_thread)) void lab_call(void (*entry)(A...), void **arguments) {
    lab_call(entry, arguments, typename LabCount<sizeof...(A)>::type());
}

#define LAB_ENTRY(name) \
    extern "C" __attribute__((no_sanitize_thread)) void lab_entry_##name(void **arguments) { \
        lab_call(&name, arguments); \
    } \
    extern "C" const char *lab_kinds_##name() { return lab_kinds(&name); }
#define LAB_MODULE \
    extern "C" __attribute__((weak, visibility("hidden"))) char __start_lab_shared, __stop_lab_shared; \
    extern "C" __attribute__((visibility("hidden"))) char __ehdr_start, _end; \
    extern "C" const char *const lab_module[] = {&__start_lab_shared, &__stop_lab_shared, &__ehdr_start, &_end};
