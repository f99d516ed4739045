// Blocks that add to the same floats in turn, for the tests of the shim: turns[0] is the turn, turns[1] the tickets.
#include "hopper.cuh"

const int COUNT = 64;

extern "C" __global__ void add_in_turn(float *sums, unsigned *turns) {
    DYNAMIC_SHARED(float, part);
    unsigned *ticket = (unsigned *) (part + COUNT);
    if (threadIdx.x == 0) *ticket = atomicAdd(&turns[1], 1u);
    __syncthreads();
    unsigned turn = *ticket;
    part[threadIdx.x] = turn * COUNT + threadIdx.x;
    async_proxy_fence();
    __syncthreads();
    if (threadIdx.x > 0) return;
    if (turn > 0) {
        turn_wait(turns, turn);
        bulk_add(sums, part, COUNT);
    } else {
        bulk_store(sums, part, COUNT);
    }
    bulk_commit();
    bulk_wait<0>();
    turn_pass(turns, turn + 1);
}
