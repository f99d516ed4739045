// The host half of hopper.cuh: Hopper's instructions emulated, as barriers.hpp, tma.hpp, turns.hpp and wgmma.hpp
// say.
#pragma once

struct tensor_map;

extern "C" {
void lab_mbarrier_init(void *barrier, int arrivals);
void lab_mbarrier_init_fence();
void lab_mbarrier_arrive(void *barrier, int bytes);
void lab_mbarrier_wait(void *barrier, int parity);
void lab_named_barrier(int barrier, int count, int sync);
void lab_tma_load(void *shared, const void *map, const int *at, int rank, void *barrier);
void lab_tma_store(const void *map, const void *shared, const int *at, int rank);
void lab_tma_store_wait();
void lab_bulk_copy(int add, void *to, const void *shared, int bytes);
void lab_bulk_commit();
void lab_bulk_wait(int groups, int read);
void lab_turn_wait(const void *word, unsigned value);
void lab_turn_pass(void *word, unsigned value);
void lab_async_proxy_fence();
void lab_set_registers(int count);
unsigned lab_shared_address(const void *shared);
void lab_wgmma(int bfloat, int columns, float *d, const unsigned *registers, unsigned long a, unsigned long b,
               int accumulate, int a_mn_major, int b_mn_major);
void lab_wgmma_fence();
void lab_wgmma_commit();
void lab_wgmma_wait(int groups);
}

DEVICE void mbarrier_init(unsigned long long *barrier, int arrivals) { lab_mbarrier_init(barrier, arrivals); }
DEVICE void mbarrier_init_fence() { lab_mbarrier_init_fence(); }
DEVICE void mbarrier_arrive(unsigned long long *barrier) { lab_mbarrier_arrive(barrier, 0); }
DEVICE void mbarrier_arrive_expect(unsigned long long *barrier, int bytes) { lab_mbarrier_arrive(barrier, bytes); }
DEVICE void mbarrier_wait(unsigned long long *barrier, int parity) { lab_mbarrier_wait(barrier, parity); }
DEVICE void barrier_sync(int barrier, int threads) { lab_named_barrier(barrier, threads, 1); }
DEVICE void barrier_arrive(int barrier, int threads) { lab_named_barrier(barrier, threads, 0); }

DEVICE void tma_load(void *shared, const tensor_map *map, int x, int y, unsigned long long *barrier) {
    const int at[] = {x, y};
    lab_tma_load(shared, map, at, 2, barrier);
}
DEVICE void tma_load(void *shared, const tensor_map *map, int x, int y, int z, int w, unsigned long long *barrier) {
    const int at[] = {x, y, z, w};
    lab_tma_load(shared, map, at, 4, barrier);
}
DEVICE void tma_store(const tensor_map *map, const void *shared, int x, int y) {
    const int at[] = {x, y};
    lab_tma_store(map, shared, at, 2);
}
DEVICE void tma_store(const tensor_map *map, const void *shared, int x, int y, int z, int w) {
    const int at[] = {x, y, z, w};
    lab_tma_store(map, shared, at, 4);
}
DEVICE void tma_store_wait() { lab_tma_store_wait(); }
DEVICE void bulk_store(float *to, const float *shared, int count) { lab_bulk_copy(0, to, shared, 4 * count); }
DEVICE void bulk_add(float *to, const float *shared, int count) { lab_bulk_copy(1, to, shared, 4 * count); }
DEVICE void bulk_commit() { lab_bulk_commit(); }
template <int N> DEVICE void bulk_wait_read() { lab_bulk_wait(N, 1); }
template <int N> DEVICE void bulk_wait() { lab_bulk_wait(N, 0); }
DEVICE void turn_wait(const unsigned *word, unsigned value) { lab_turn_wait(word, value); }
DEVICE void turn_pass(unsigned *word, unsigned value) { lab_turn_pass(word, value); }
DEVICE void tma_prefetch_map(const tensor_map *) {}
DEVICE void async_proxy_fence() { lab_async_proxy_fence(); }

template <int COUNT> DEVICE void release_registers() {
    static_assert(COUNT % 8 == 0 && COUNT >= 24 && COUNT <= 256, "setmaxnreg takes multiples of 8 from 24 to 256");
    lab_set_registers(COUNT);
}
template <int COUNT> DEVICE void claim_registers() { release_registers<COUNT>(); }

DEVICE unsigned shared_address(const void *shared) { return lab_shared_address(shared); }

DEVICE void wgmma_fence() { lab_wgmma_fence(); }
DEVICE void wgmma_commit() { lab_wgmma_commit(); }
template <int N> DEVICE void wgmma_wait() { lab_wgmma_wait(N); }
template <int P> DEVICE void wgmma_hold(float (&)[P][4][4]) {}

template <class T, int A_MN_MAJOR, int B_MN_MAJOR, int P>
DEVICE void wgmma(float (&d)[P][4][4], unsigned long long a, unsigned long long b, int accumulate) {
    lab_wgmma(LabIsBfloat<T>::value, 32 * P, &d[0][0][0], nullptr, a, b, accumulate, A_MN_MAJOR, B_MN_MAJOR);
}
template <class T, int B_MN_MAJOR, int P>
DEVICE void wgmma(float (&d)[P][4][4], const unsigned (&a)[4], unsigned long long b, int accumulate) {
    lab_wgmma(LabIsBfloat<T>::value, 32 * P, &d[0][0][0], a, 0, b, accumulate, 0, B_MN_MAJOR);
}
