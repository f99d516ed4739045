// mbarriers and named barriers (PTX ISA, "mbarrier", "bar").
#pragma once
#include "memory.hpp"
#include "warps.hpp"

namespace {

struct Mbarrier {
    Address address;
    int expected, pending;
    long bytes;
    uint32_t phase;
    int maker;
    bool fenced;
    // Left by those who came; what was left when the last phase was complete.
    Clock left, complete;
};
Mbarrier mbarriers[MOST_MBARRIERS];

struct Named {
    int threads, arrived;
    bool came[MOST_THREADS];
    Clock left;
};
const int NAMED_BARRIERS = 16;
Named named[NAMED_BARRIERS];

void releaseFrom(int first, int end, Meeting meeting, int barrier) {
    for (int i = first; i < end; i++) {
        if (i != me && fibers[i].waits == meeting && fibers[i].barrier == barrier) {
            fibers[i].waits = NONE;
            ready[readyCount++] = i;
        }
    }
}

void makeMbarrier(Address address, int expected, const void *pc) {
    if (address % 8 != 0 || !inShared(address)) {
        fault(true, address, 8, pc, "an mbarrier is 8 aligned bytes of shared memory");
    }
    access<true>(address, 8, pc);
    partial = true;
    if (mbarrierCount == MOST_MBARRIERS) fault(true, address, 8, pc, "more mbarriers than the shim has");
    Mbarrier &made = mbarriers[mbarrierCount++];
    made = {address, expected, expected, 0, 0, me, false, {}, {}};
}

// The mbarrier at an address, whose initialisation this thread must know of.
int findMbarrier(Address address, const void *pc) {
    for (int i = 0; i < mbarrierCount; i++) {
        if (mbarriers[i].address == address) {
            access<false>(address, 8, pc);
            return i;
        }
    }
    fault(false, address, 8, pc, "no mbarrier has been initialised there");
}

// Ends the phase if all that it waits for has come.
void finishPhase(int index) {
    Mbarrier &barrier = mbarriers[index];
    if (barrier.pending > 0 || barrier.bytes != 0) return;
    barrier.phase++;
    barrier.pending = barrier.expected;
    memcpy(barrier.complete, barrier.left, sizeof(Clock));
    releaseFrom(0, threads, MBARRIER, index);
}

void arriveAt(Address address, int bytes, const void *pc) {
    int index = findMbarrier(address, pc);
    Mbarrier &barrier = mbarriers[index];
    if (barrier.pending == 0) fault(false, address, 8, pc, "more arrivals than the mbarrier was made for");
    leaveAt(barrier.left);
    barrier.bytes += bytes;
    barrier.pending--;
    finishPhase(index);
}

void waitAt(Address address, unsigned parity, const void *pc) {
    int index = findMbarrier(address, pc);
    while ((mbarriers[index].phase & 1) == parity) {
        fibers[me].barrier = index;
        wait(MBARRIER);
    }
    know(clocks[me], mbarriers[index].complete);
}

// Comes to a named barrier; `sync` waits there for the others.
void comeTo(int barrier, int count, bool sync, const void *pc) {
    auto wrong = [&](const char *what, int found) {
        sayThread(me, block);
        say(" comes to named barrier %d: %s, found %d", barrier, what, found);
        leave(pc);
    };
    if (barrier < 1 || barrier >= NAMED_BARRIERS) wrong("expected 1 to 15", barrier);
    if (count < 1 || count % WARP != 0 || count > threads) wrong("expected whole warps of the block's threads", count);
    Named &at = named[barrier];
    if (at.arrived > 0 && at.threads != count) wrong("expected as many threads as those who came before", count);
    if (at.came[me]) wrong("has come already, and waits are for others", me);
    partial = true;
    at.threads = count;
    at.came[me] = true;
    leaveAt(at.left);
    if (++at.arrived < count) {
        if (sync) {
            fibers[me].barrier = barrier;
            wait(NAMED);
        }
        return;
    }
    for (int i = 0; i < threads; i++) {
        if ((i == me && sync) || (fibers[i].waits == NAMED && fibers[i].barrier == barrier)) know(clocks[i], at.left);
    }
    releaseFrom(0, threads, NAMED, barrier);
    memset(&at, 0, sizeof at);
}

// At the end of a block, nobody may have come to a barrier for which others do not come.
void endBarriers() {
    for (int i = 1; i < NAMED_BARRIERS; i++) {
        if (named[i].arrived > 0) {
            say("block (%u, %u, %u) ends with %d of %d threads at named barrier %d", block.x, block.y, block.z,
                named[i].arrived, named[i].threads, i);
            failed = true;
        }
    }
}

void beginBarriers() {
    // What a block that failed was reading.
    if (partial) memset(readUntil, 0, sizeof readUntil);
    mbarrierCount = 0;
    partial = false;
    memset(named, 0, sizeof named);
}

} // namespace
