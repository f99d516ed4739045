// The order that barriers bring which only some threads come to: mbarriers, named barriers, and then __syncwarp, too.
// Each thread has a clock. Who comes to a barrier leaves there what it knows has happened; who has waited for the
// barrier knows that as well. Times are those of the one counter, so that an access is known to a thread when it is no
// later than the thread's clock says of who made it.
#pragma once
#include "reports.hpp"

namespace {

int mbarrierCount;

void know(Clock &clock, const Clock &of) {
    auto latest = [&](int first, int end) {
        for (int i = first; i < end; i++) clock[i] = of[i] > clock[i] ? of[i] : clock[i];
    };
    latest(0, threads);
    latest(MOST_THREADS, MOST_THREADS + mbarrierCount);
}

// This thread leaves what it knows; what it does from now on is later.
void leaveAt(Clock &barrier) {
    clocks[me][me] = now;
    know(barrier, clocks[me]);
    tick();
}

// Threads that have met know what any of them knows.
void join(int first, int end) {
    static Clock all;
    memset(all, 0, sizeof all);
    for (int i = first; i < end; i++) {
        if (fibers[i].waits == EXITED) continue;
        clocks[i][i] = now;
        know(all, clocks[i]);
    }
    for (int i = first; i < end; i++) {
        if (fibers[i].waits != EXITED) know(clocks[i], all);
    }
}

} // namespace
