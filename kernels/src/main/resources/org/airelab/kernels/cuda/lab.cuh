// What every kernel of the lab includes first. It stands alone: no header of the CUDA toolkit is needed, so that NVRTC
// compiles it on a machine that has none. On a CPU the tests compile the same kernels with g++; there LAB_HOST_SHIM
// names the header that brings the built-ins of CUDA C++ and the emulated counterparts of the PTX below.
//
// Rules that keep a kernel portable to the CPU:
//   - entries are `extern "C" __global__ void name(...)`, no templates; tile sizes and types are macros
//     (KernelSource.with);
//   - arrays in shared memory stand in the entry itself, or come by DYNAMIC_SHARED once in a kernel;
//   - PTX only in this header and in hopper.cuh; warp-wide built-ins with their full mask; atomics by atomicAdd and
//     friends.
#pragma once

// The element types. FP32 is float; the half types are their bits, converted by one instruction each.
struct f16 { unsigned short bits; };
struct bf16 { unsigned short bits; };

#ifdef LAB_HOST_SHIM
#include LAB_HOST_SHIM
#else
#define DEVICE __device__ __forceinline__
// The block's dynamic shared memory, aligned for every access there is.
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(1024) unsigned char lab_dynamic_shared[]; \
    type *name = reinterpret_cast<type *>(lab_dynamic_shared)
#define HOT_LOOP _Pragma("unroll")
#define COLD_LOOP _Pragma("unroll 1")
#endif

// Elements of a type in 16 bytes, the widest access of a thread.
template <class T> struct Wide { static const int count = 16 / (int) sizeof(T); };

DEVICE float to_float(float x) { return x; }

#ifndef LAB_HOST_SHIM
DEVICE float to_float(f16 x) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}

// bfloat16 is the upper half of a float.
DEVICE float to_float(bf16 x) { return __uint_as_float((unsigned) x.bits << 16); }

template <class T> DEVICE T from_float(float x);
template <> DEVICE float from_float<float>(float x) { return x; }
template <> DEVICE f16 from_float<f16>(float x) {
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
template <> DEVICE bf16 from_float<bf16>(float x) {
    bf16 y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

// Two floats rounded into one register, `low` in its lower half.
template <class T> DEVICE unsigned pack(float low, float high);
template <> DEVICE unsigned pack<f16>(float low, float high) {
    unsigned y;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
    return y;
}
template <> DEVICE unsigned pack<bf16>(float low, float high) {
    unsigned y;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
    return y;
}

// 2^x by the one instruction, which flushes results below 2^-126 to zero; exp2f takes three more to keep those.
DEVICE float exp2_flushed(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// 1 / x by the one instruction, off by at most one unit in the last place; 0 where it is below 2^-126.
DEVICE float reciprocal_flushed(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// Writes 16 bytes to global memory, at a multiple of 16, at once: of a uint4 the compiler now and then makes four
// writes.
DEVICE void write_16(void *global, const unsigned (&word)[4]) {
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" :: "l"(__cvta_generic_to_global(global)),
                 "r"(word[0]), "r"(word[1]), "r"(word[2]), "r"(word[3]) : "memory");
}

// Lets the compiler know nothing more of the bits: what it has made of them it must make again, not keep in registers.
DEVICE void forget(uint4 &bits) { asm volatile("" : "+r"(bits.x), "+r"(bits.y), "+r"(bits.z), "+r"(bits.w)); }

DEVICE unsigned shared_address(const void *shared) { return (unsigned) __cvta_generic_to_shared(shared); }

// Four 8x8 matrices of 16-bit elements from shared memory: lane l gives the address of a row (16 bytes) of matrix l/8.
DEVICE void ldmatrix_x4(unsigned (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}

// The same, each matrix transposed.
DEVICE void ldmatrix_x4_trans(unsigned (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}

// d += a b of a 16x16 and a 16x8 tile (row- and column-major fragments, PTX ISA, mma.m16n8k16), accumulated in float.
template <class T> DEVICE void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]);
template <> DEVICE void mma_m16n8k16<f16>(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <> DEVICE void mma_m16n8k16<bf16>(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Copies 16 bytes from global to shared memory without a register in between; zeros when not `valid` (the global
// address is then not read). Both addresses are multiples of 16.
DEVICE void cp_async_16(void *shared, const void *global, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"(shared_address(shared)), "l"(__cvta_generic_to_global(global)), "r"(valid ? 16 : 0) : "memory");
}

// The same for 4 bytes, for rows that do not begin at multiples of 16.
DEVICE void cp_async_4(void *shared, const void *global, bool valid) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                 :: "r"(shared_address(shared)), "l"(__cvta_generic_to_global(global)), "r"(valid ? 4 : 0) : "memory");
}

// Closes a group of the copies this thread began; waits until at most N of its groups are still under way. What other
// threads copied is visible after the next barrier only.
DEVICE void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> DEVICE void cp_async_wait() { asm volatile("cp.async.wait_group %0;" :: "n"(N) : "memory"); }
#endif

// Sums and maxima of a warp's 32 lanes, in every lane.
template <class T> DEVICE T warp_sum(T x) {
    HOT_LOOP
    for (int offset = 16; offset > 0; offset /= 2) x += __shfl_xor_sync(0xffffffffu, x, offset);
    return x;
}

DEVICE float warp_max(float x) {
    HOT_LOOP
    for (int offset = 16; offset > 0; offset /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}
