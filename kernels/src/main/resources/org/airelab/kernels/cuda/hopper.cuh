// What Hopper (sm_90a) adds: barriers that count bytes, the Tensor Memory Accelerator, and products by a warp group of
// operands in shared memory. A thin layer of PTX; section titles are those of NVIDIA's "Parallel Thread Execution ISA".
// On a CPU the tests emulate it: LAB_HOST_SHIM brings the functions between #ifndef and #endif.
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

#ifndef LAB_HOST_SHIM
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

// The same of a tensor of four dimensions, x the contiguous one.
DEVICE void tma_load(void *shared, const tensor_map *map, int x, int y, int z, int w, mbarrier *barrier) {
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%2, %3, %4, %5}], [%6];"
                 :: "r"(shared_address(shared)), "l"(map), "r"(x), "r"(y), "r"(z), "r"(w), "r"(shared_address(barrier))
                 : "memory");
}

// Makes what this thread has written to shared memory visible to copies and products that begin later, its own and
// those of threads that meet it at a barrier in between ("Async proxy").
DEVICE void async_proxy_fence() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Copies a tile from shared memory to a matrix, or to a tensor of four dimensions; elements outside of it are left out.
// tma_store_wait waits until the tiles that this thread's copies store have been read.
DEVICE void tma_store(const tensor_map *map, const void *shared, int x, int y) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];"
                 :: "l"(map), "r"(x), "r"(y), "r"(shared_address(shared)) : "memory");
}
DEVICE void tma_store(const tensor_map *map, const void *shared, int x, int y, int z, int w) {
    asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%1, %2, %3, %4}], [%5];"
                 :: "l"(map), "r"(x), "r"(y), "r"(z), "r"(w), "r"(shared_address(shared)) : "memory");
}
DEVICE void tma_store_wait() {
    asm volatile("cp.async.bulk.commit_group;\n"
                 "cp.async.bulk.wait_group.read 0;" ::: "memory");
}

// Copies `count` floats, a multiple of 4, from shared to global memory, or adds them to what is there; both addresses
// are multiples of 16 ("cp.async.bulk", "cp.reduce.async.bulk"). bulk_commit closes a group of those this thread began;
// bulk_wait_read waits until all but its last N groups have been read, bulk_wait until they are complete.
DEVICE void bulk_store(float *to, const float *shared, int count) {
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;"
                 :: "l"(__cvta_generic_to_global(to)), "r"(shared_address(shared)), "r"(4 * count) : "memory");
}
DEVICE void bulk_add(float *to, const float *shared, int count) {
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], %2;"
                 :: "l"(__cvta_generic_to_global(to)), "r"(shared_address(shared)), "r"(4 * count) : "memory");
}
DEVICE void bulk_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
template <int N> DEVICE void bulk_wait_read() {
    asm volatile("cp.async.bulk.wait_group.read %0;" :: "n"(N) : "memory");
}
template <int N> DEVICE void bulk_wait() { asm volatile("cp.async.bulk.wait_group %0;" :: "n"(N) : "memory"); }

// Turns between blocks, counted by a word in global memory: turn_wait waits until `value` turns have been passed on;
// what their threads, by copies that they had waited for, wrote until then is visible to the copies that this thread
// begins afterwards ("Release and acquire patterns"; the copies are of the asynchronous proxy).
DEVICE void turn_wait(const unsigned *word, unsigned value) {
    unsigned passed;
    do {
        asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                     : "=r"(passed) : "l"(__cvta_generic_to_global(word)) : "memory");
    } while (passed < value);
    asm volatile("fence.proxy.async;" ::: "memory");
}
DEVICE void turn_pass(unsigned *word, unsigned value) {
    asm volatile("fence.proxy.async;" ::: "memory");
    asm volatile("st.release.gpu.global.u32 [%0], %1;"
                 :: "l"(__cvta_generic_to_global(word)), "r"(value) : "memory");
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

// The block's barriers 1 to 15 ("bar"); __syncthreads is 0. Of `threads` that come to it, those that sync wait until
// all have come, those that arrive do not. Whole warps come.
DEVICE void barrier_sync(int barrier, int threads) {
    asm volatile("bar.sync %0, %1;" :: "r"(barrier), "r"(threads) : "memory");
}
DEVICE void barrier_arrive(int barrier, int threads) {
    asm volatile("bar.arrive %0, %1;" :: "r"(barrier), "r"(threads) : "memory");
}
#endif

// Where a ring of COUNT buffers stands: a stage, and the parity of its barriers' phases.
template <int COUNT> struct Ring {
    int stage;
    int parity;

    DEVICE void advance() {
        if (++stage == COUNT) {
            stage = 0;
            parity ^= 1;
        }
    }
};

// Where TMA's swizzle puts a byte of a tile in lines of LINE_BYTES, 64 or 128, the swizzle's own width: of the address,
// the number of the 16-byte piece within the line is added bit by bit to the number of the 128 bytes it lies in. The
// tile begins at a multiple of 8 lines.
template <int LINE_BYTES> DEVICE int swizzled(int offset) {
    const int PIECES = LINE_BYTES / 16;
    return offset ^ (offset >> 7 & (PIECES - 1)) << 4;
}

// A matrix in shared memory as wgmma takes it ("Matrix Descriptor Format"): an operand of 16-bit elements in lines of
// LINE_BYTES, 128 (64 elements) or 64 (32 elements), as TMA writes them with the swizzle of that width. The swizzle's
// pattern is 8 lines and begins at a multiple of its size. All sizes are divided by 16.
//   bits  0-13  where it begins; steps along k within the pattern add to it, the base offset (bits 49-51) staying 0
//   bits 16-29  leading dimension byte offset. Lines along k ("K-major"): not used with a swizzle, by convention 1.
//               Lines along m or n ("MN-major"): from a line's elements of m or n to the next as many
//   bits 32-45  stride dimension byte offset: from 8 lines to the next 8
//   bits 62-63  the swizzle: 1 of 128 bytes, 2 of 64
// Where an element lies is what "Canonical Layouts" says in units of T = 8 elements, before the swizzle, for L = 8 or 4
// pieces of 16 bytes in a line:
//   K-major   ((8, m), (T, 2)) : ((L T, stride), (1, T))        row i, k:  i / 8 stride + i % 8 line + 2 k
//   MN-major  ((T, L, m), (8, 2)) : ((1, T, leading), (L T, stride))
//                                          i, k:  i / (8 L) leading + i % (8 L) 2 + k / 8 stride + k % 8 line
// so that in MN-major n is a multiple of a line's elements: the pattern is not divided.
template <int LINE_BYTES> DEVICE unsigned long long wgmma_descriptor(const void *shared, int leading_bytes) {
    const unsigned long long STRIDE_BYTES = 8 * LINE_BYTES;
    const unsigned long long SWIZZLE = LINE_BYTES == 128 ? 1 : 2;
    return (unsigned long long) ((shared_address(shared) & 0x3ffff) >> 4)
           | (unsigned long long) (leading_bytes >> 4) << 16 | STRIDE_BYTES >> 4 << 32 | SWIZZLE << 62;
}

// The descriptor of what lies so many bytes, a multiple of 16, further: less to compute than one from an address.
// Shared memory is too small for the sum to leave its field.
DEVICE unsigned long long wgmma_further(unsigned long long descriptor, int bytes) {
    return (descriptor & 0xffffffff00000000ull) | ((unsigned) descriptor + (unsigned) (bytes >> 4));
}

#ifndef LAB_HOST_SHIM
// Orders accesses to the registers of accumulators between wgmma and everything else: before the first product and
// whenever something else has touched them ("wgmma.fence").
DEVICE void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// Closes a group of the products begun; waits until at most N groups are under way. Only then may their accumulators be
// touched and their operands overwritten ("wgmma.commit_group", "wgmma.wait_group").
DEVICE void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> DEVICE void wgmma_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(N) : "memory"); }

// Begins d += a b (d = a b unless `accumulate`) of a 64x16 and a 16x32P tile by the 128 threads of a warp group
// ("wgmma.mma_async"). MN_MAJOR says of an operand that its lines run along m or n (imm-trans-a, imm-trans-b). The
// factors of a and b, the two ones before, can only be 1 or -1. Lane l of warp w (of four) holds rows 16 w + l / 4 and
// 8 further of d: of columns 32 p + 8 q + 2 (l % 4) and the next, d[p][q][0] and [1] of the one row, [2] and [3] of the
// other ("Register Fragments for wgmma.mma_async.m64nNk16", accumulator D). Of a in registers it holds those rows, the
// upper and the lower, at k = 2 (l % 4) and the next in a[0] and a[1], 8 further in a[2] and a[3] (matrix A): two
// neighbouring quarters q of an accumulator, rounded. Such registers are not to be touched, as the accumulators, until
// the product has been waited for.
#define WGMMA_LIST_1 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define WGMMA_LIST_2 WGMMA_LIST_1 ", " "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define WGMMA_LIST_3 WGMMA_LIST_2 ", " "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define WGMMA_LIST_4 WGMMA_LIST_3 ", " "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define WGMMA_LIST_5 WGMMA_LIST_4 ", " "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define WGMMA_LIST_6 WGMMA_LIST_5 ", " "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define WGMMA_LIST_7 WGMMA_LIST_6 ", " \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"
#define WGMMA_LIST_8 WGMMA_LIST_7 ", " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define WGMMA_QUARTER(p, q) "+f"(d[p][q][0]), "+f"(d[p][q][1]), "+f"(d[p][q][2]), "+f"(d[p][q][3])
#define WGMMA_PIECE(p) WGMMA_QUARTER(p, 0), WGMMA_QUARTER(p, 1), WGMMA_QUARTER(p, 2), WGMMA_QUARTER(p, 3)
#define WGMMA_PIECES_1 WGMMA_PIECE(0)
#define WGMMA_PIECES_2 WGMMA_PIECES_1, WGMMA_PIECE(1)
#define WGMMA_PIECES_3 WGMMA_PIECES_2, WGMMA_PIECE(2)
#define WGMMA_PIECES_4 WGMMA_PIECES_3, WGMMA_PIECE(3)
#define WGMMA_PIECES_5 WGMMA_PIECES_4, WGMMA_PIECE(4)
#define WGMMA_PIECES_6 WGMMA_PIECES_5, WGMMA_PIECE(5)
#define WGMMA_PIECES_7 WGMMA_PIECES_6, WGMMA_PIECE(6)
#define WGMMA_PIECES_8 WGMMA_PIECES_7, WGMMA_PIECE(7)

// The instruction, for P pieces, N = 32 P columns and R = 16 P registers of d; the numbers after R are R + 1, R + 2 ...
#define WGMMA_SHARED_A(type, P, N, R, R1, R2, R3, R4) \
    asm volatile("{\n" \
                 ".reg .pred accumulate;\n" \
                 "setp.ne.b32 accumulate, %" #R2 ", 0;\n" \
                 "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." type "." type " {" WGMMA_LIST_##P "}, " \
                 "%" #R ", %" #R1 ", accumulate, 1, 1, %" #R3 ", %" #R4 ";\n" \
                 "}" \
                 : WGMMA_PIECES_##P \
                 : "l"(a), "l"(b), "r"(accumulate), "n"(A_MN_MAJOR), "n"(B_MN_MAJOR) : "memory")
#define WGMMA_REGISTER_A(type, P, N, R, R1, R2, R3, R4, R5, R6) \
    asm volatile("{\n" \
                 ".reg .pred accumulate;\n" \
                 "setp.ne.b32 accumulate, %" #R5 ", 0;\n" \
                 "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." type "." type " {" WGMMA_LIST_##P "}, " \
                 "{%" #R ", %" #R1 ", %" #R2 ", %" #R3 "}, %" #R4 ", accumulate, 1, 1, %" #R6 ";\n" \
                 "}" \
                 : WGMMA_PIECES_##P \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(B_MN_MAJOR) : "memory")

template <class T> struct IsBfloat { static const bool value = false; };
template <> struct IsBfloat<bf16> { static const bool value = true; };

#define WGMMA_SIZE(P, N, R, R1, R2, R3, R4, R5, R6) \
    template <class T, int A_MN_MAJOR, int B_MN_MAJOR> \
    DEVICE void wgmma(float (&d)[P][4][4], unsigned long long a, unsigned long long b, int accumulate) { \
        if (IsBfloat<T>::value) WGMMA_SHARED_A("bf16", P, N, R, R1, R2, R3, R4); \
        else WGMMA_SHARED_A("f16", P, N, R, R1, R2, R3, R4); \
    } \
    template <class T, int B_MN_MAJOR> \
    DEVICE void wgmma(float (&d)[P][4][4], const unsigned (&a)[4], unsigned long long b, int accumulate) { \
        if (IsBfloat<T>::value) WGMMA_REGISTER_A("bf16", P, N, R, R1, R2, R3, R4, R5, R6); \
        else WGMMA_REGISTER_A("f16", P, N, R, R1, R2, R3, R4, R5, R6); \
    }
WGMMA_SIZE(1, 32, 16, 17, 18, 19, 20, 21, 22)
WGMMA_SIZE(2, 64, 32, 33, 34, 35, 36, 37, 38)
WGMMA_SIZE(4, 128, 64, 65, 66, 67, 68, 69, 70)
WGMMA_SIZE(6, 192, 96, 97, 98, 99, 100, 101, 102)
WGMMA_SIZE(8, 256, 128, 129, 130, 131, 132, 133, 134)

// Keeps the compiler from moving accumulators to other registers across this point, while wgmma may be writing them.
template <int P> DEVICE void wgmma_hold(float (&d)[P][4][4]) {
    HOT_LOOP
    for (int p = 0; p < P; p++) {
        HOT_LOOP
        for (int q = 0; q < 4; q++) asm volatile("" : WGMMA_QUARTER(p, q) :: "memory");
    }
}
#endif
