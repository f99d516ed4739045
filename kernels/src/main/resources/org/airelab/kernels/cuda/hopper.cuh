// What Hopper (sm_90a) adds: barriers that count bytes, the Tensor Memory Accelerator, and products by a warp group of
// operands in shared memory. A thin layer of PTX; section titles are those of NVIDIA's "Parallel Thread Execution ISA".
// None of it can be executed on a CPU.
#pragma once
#include "lab.cuh"

#if defined(__CUDA_ARCH__) && !defined(__CUDA_ARCH_FEAT_SM90_ALL)
#error "wgmma and setmaxnreg are features of sm_90a alone: compile for -arch=sm_90a"
#endif

// A CUtensorMap; kernels take it as `const __grid_constant__ tensor_map`.
struct alignas(64) tensor_map { unsigned char bytes[128]; };

// Barriers ("mbarrier"). A phase is complete when as many threads have arrived as the barrier was made for and as many
// bytes as announced have been copied; then the next phase begins. Phases have parities in turn, the first has 0.
typedef unsigned long long mbarrier;

DEVICE void mbarrier_init(mbarrier *barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(shared_address(barrier)), "r"(arrivals) : "memory");
}

// Makes barriers that this thread initialised visible to the asynchronous proxy ("Async proxy"), whose copies complete
// them. For the other threads a __syncthreads must follow.
DEVICE void mbarrier_init_fence() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

DEVICE void mbarrier_arrive(mbarrier *barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(shared_address(barrier)) : "memory");
}

// Arrives, and announces bytes that copies of this phase will bring.
DEVICE void mbarrier_arrive_expect(mbarrier *barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
                 :: "r"(shared_address(barrier)), "r"(bytes) : "memory");
}

// Waits until the phase of the parity given, the current one or the one before it, is complete
// ("mbarrier.test_wait/mbarrier.try_wait"). So on a new barrier, waiting for parity 1 returns at once.
DEVICE void mbarrier_wait(mbarrier *barrier, int parity) {
    asm volatile("{\n"
                 ".reg .pred complete;\n"
                 "again:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 complete, [%0], %1;\n"
                 "@!complete bra again;\n"
                 "}" :: "r"(shared_address(barrier)), "r"(parity) : "memory");
}

// Copies a tile at column x and row y of a matrix, as its map describes it, to shared memory ("cp.async.bulk.tensor").
// Elements outside of the matrix become zeros, and count among the bytes that the barrier is told of.
DEVICE void tma_load(void *shared, const tensor_map *map, int x, int y, mbarrier *barrier) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%2, %3}], [%4];"
                 :: "r"(shared_address(shared)), "l"(map), "r"(x), "r"(y), "r"(shared_address(barrier)) : "memory");
}

DEVICE void tma_prefetch_map(const tensor_map *map) { asm volatile("prefetch.tensormap [%0];" :: "l"(map) : "memory"); }

// Gives up registers down to COUNT a thread, or waits until as many are free in the block's pool ("setmaxnreg"). All
// warps of a warp group execute it. COUNT is a multiple of 8 from 24 to 256.
template <int COUNT> DEVICE void release_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" :: "n"(COUNT));
}
template <int COUNT> DEVICE void claim_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" :: "n"(COUNT));
}

// A matrix in shared memory as wgmma takes it ("Matrix Descriptor Format"): an operand of 16-bit elements in lines of
// 64 (128 bytes) as TMA writes them with its swizzle of 128 bytes, 8 lines (1024 bytes) one after the other, the
// pattern beginning at a multiple of 1024. All sizes are divided by 16.
//   bits  0-13  where it begins; steps along k within the pattern add to it, the base offset (bits 49-51) staying 0
//   bits 16-29  leading dimension byte offset. Lines along k ("K-major"): not used with a swizzle, by convention 1.
//               Lines along m or n ("MN-major"): from 64 elements of m or n to the next 64
//   bits 32-45  stride dimension byte offset: from 8 lines to the next 8
//   bits 62-63  1, the swizzle of 128 bytes
// ("Leading Dimension Byte Offset", "Stride Dimension Byte Offset".)
DEVICE unsigned long long wgmma_descriptor(const void *shared, int leading_bytes) {
    const unsigned long long STRIDE_BYTES = 1024;
    const unsigned long long SWIZZLE_128 = 1;
    return (unsigned long long) ((shared_address(shared) & 0x3ffff) >> 4)
           | (unsigned long long) (leading_bytes >> 4) << 16 | STRIDE_BYTES >> 4 << 32 | SWIZZLE_128 << 62;
}

// Orders accesses to the registers of accumulators between wgmma and everything else: before the first product and
// whenever something else has touched them ("wgmma.fence").
DEVICE void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// Closes a group of the products begun; waits until at most N groups are under way. Only then may their accumulators be
// touched and their operands overwritten ("wgmma.commit_group", "wgmma.wait_group").
DEVICE void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> DEVICE void wgmma_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(N) : "memory"); }

// Begins d += a b (d = a b unless `accumulate`) of a 64x16 and a 16x256 tile by the 128 threads of a warp group
// ("wgmma.mma_async"). MN_MAJOR says of each operand that its lines run along m or n (imm-trans-a, imm-trans-b). The
// factors of a and b, the two ones before, can only be 1 or -1. Lane l of warp w (of four) holds rows 16 w + l / 4 and
// 8 further of d: of columns 32 p + 8 q + 2 (l % 4) and the next, d[p][q][0] and [1] of the one row, [2] and [3] of the
// other ("Register Fragments for wgmma.mma_async.m64nNk16", accumulator D).
#define WGMMA_QUARTER(p, q) "+f"(d[p][q][0]), "+f"(d[p][q][1]), "+f"(d[p][q][2]), "+f"(d[p][q][3])
#define WGMMA_PIECE(p) WGMMA_QUARTER(p, 0), WGMMA_QUARTER(p, 1), WGMMA_QUARTER(p, 2), WGMMA_QUARTER(p, 3)
#define WGMMA_M64N256K16(type) \
    asm volatile("{\n" \
                 ".reg .pred accumulate;\n" \
                 "setp.ne.b32 accumulate, %130, 0;\n" \
                 "wgmma.mma_async.sync.aligned.m64n256k16.f32." type "." type " " \
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
                 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
                 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
                 "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
                 "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
                 "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
                 "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, " \
                 "%128, %129, accumulate, 1, 1, %131, %132;\n" \
                 "}" \
                 : WGMMA_PIECE(0), WGMMA_PIECE(1), WGMMA_PIECE(2), WGMMA_PIECE(3), \
                   WGMMA_PIECE(4), WGMMA_PIECE(5), WGMMA_PIECE(6), WGMMA_PIECE(7) \
                 : "l"(a), "l"(b), "r"(accumulate), "n"(A_MN_MAJOR), "n"(B_MN_MAJOR) : "memory")

template <class T> struct IsBfloat { static const bool value = false; };
template <> struct IsBfloat<bf16> { static const bool value = true; };

template <class T, int A_MN_MAJOR, int B_MN_MAJOR>
DEVICE void wgmma_m64n256k16(float (&d)[8][4][4], unsigned long long a, unsigned long long b, int accumulate) {
    if (IsBfloat<T>::value) WGMMA_M64N256K16("bf16");
    else WGMMA_M64N256K16("f16");
}

// Keeps the compiler from moving accumulators to other registers across this point, while wgmma may be writing them.
DEVICE void wgmma_hold(float (&d)[8][4][4]) {
    HOT_LOOP
    for (int p = 0; p < 8; p++) {
        HOT_LOOP
        for (int q = 0; q < 4; q++) asm volatile("" : WGMMA_QUARTER(p, q) :: "memory");
    }
}
