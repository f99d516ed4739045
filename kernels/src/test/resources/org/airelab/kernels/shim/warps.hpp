// Where the threads of a warp meet: __syncwarp, shuffles, votes, and the tensor cores' instructions.
#pragma once
#include "clocks.hpp"

namespace {

void release(int first, int end, Meeting meeting) {
    for (int i = first; i < end; i++) {
        if (i != me && fibers[i].waits == meeting) {
            fibers[i].waits = NONE;
            ready[readyCount++] = i;
        }
    }
}

void wait(Meeting meeting) {
    fibers[me].waits = meeting;
    toScheduler();
}

int lane() { return me % WARP; }
int warpStart() { return me / WARP * WARP; }
int warpEnd() { return warpStart() + WARP < threads ? warpStart() + WARP : threads; }

// Whether all lanes that are left have come; then the meeting is over.
bool complete(Warp &warp, Meeting meeting) {
    if (warp.arrived < warp.alive) return false;
    warp.arrived = 0;
    warp.parity ^= 1;
    if (meeting == SYNCWARP) {
        if (partial) join(warpStart(), warpEnd());
        tick();
        warp.since = now;
    }
    return true;
}

// Whether a lane at such a meeting keeps the others from coming to another one.
bool ofWarp(Meeting meeting) { return meeting >= SYNCWARP && meeting <= WGMMA; }

// Meets the warp's other lanes; `finish` is run once, when all have come. Returns which payload the meeting was about:
// a lane may be one meeting ahead of another, never two.
template <class Finish>
int meet(Meeting meeting, unsigned mask, const Payload &payload, const void *pc, Finish finish) {
    Warp &warp = warps[me / WARP];
    if (mask != 0xffffffffu) {
        sayThread(me, block);
        say(" comes to %s with the mask 0x%08x: expected the full one", MEETINGS[meeting], mask);
        leave(pc);
    }
    if (meeting >= MMA && warp.alive < WARP) {
        sayThread(me, block);
        say(" comes to %s in a warp of which only %d threads are left: expected all 32", MEETINGS[meeting], warp.alive);
        leave(pc);
    }
    for (int i = warpStart(); i < warpEnd(); i++) {
        Meeting other = fibers[i].waits;
        if (ofWarp(other) && other != meeting) {
            sayThread(me, block);
            say(" comes to %s while thread %d of its warp is at %s: the warp diverges", MEETINGS[meeting], i,
                MEETINGS[other]);
            leave(pc);
        }
    }
    int parity = warp.parity;
    fibers[me].payload[parity] = payload;
    // Who takes part is kept for as long as the payload: a lane may have ended when another looks at what it brought.
    warp.lanes[parity] = (warp.arrived++ == 0 ? 0 : warp.lanes[parity]) | 1u << lane();
    if (complete(warp, meeting)) {
        finish(parity);
        release(warpStart(), warpEnd(), meeting);
    } else {
        wait(meeting);
    }
    return parity;
}

float toFloat(int bfloat, uint16_t bits) {
    unsigned word;
    if (bfloat) {
        word = unsigned(bits) << 16;
    } else {
        unsigned exponent = bits >> 10 & 31, fraction = bits & 0x3ffu;
        float magnitude = float(fraction) * 0x1p-24f;
        memcpy(&word, &magnitude, 4);
        if (exponent == 31) word = 0x7f800000u | fraction << 13;
        else if (exponent > 0) word = (exponent + 112) << 23 | fraction << 13;
        word |= (bits & 0x8000u) << 16;
    }
    float value;
    memcpy(&value, &word, 4);
    return value;
}

// PTX ISA, "Matrix fragments for mma.m16n8k16": lane l holds, two to a register, of A the rows l / 4 and l / 4 + 8, of
// B the column l / 4, at k = 2 (l % 4) and 8 further; of D two columns from 2 (l % 4) of those rows.
void multiply(int bfloat, int parity) {
    float a[16][16], b[16][8];
    Fiber *lanes = fibers + warpStart();
    for (int l = 0; l < WARP; l++) {
        const auto &held = lanes[l].payload[parity].mma;
        int group = l / 4, pair = l % 4 * 2;
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 4; i++) {
                a[group + i % 2 * 8][pair + i / 2 * 8 + half] = toFloat(bfloat, uint16_t(held.a[i] >> 16 * half));
            }
            for (int i = 0; i < 2; i++) {
                b[pair + i * 8 + half][group] = toFloat(bfloat, uint16_t(held.b[i] >> 16 * half));
            }
        }
    }
    for (int l = 0; l < WARP; l++) {
        float *d = lanes[l].payload[parity].mma.d;
        for (int i = 0; i < 4; i++) {
            int row = l / 4 + i / 2 * 8, column = l % 4 * 2 + i % 2;
            for (int k = 0; k < 16; k++) d[i] += a[row][k] * b[k][column];
        }
    }
}

void distribute(int transposed, int parity) {
    Fiber *lanes = fibers + warpStart();
    for (int l = 0; l < WARP; l++) {
        for (int matrix = 0; matrix < 4; matrix++) {
            unsigned short pair[2];
            for (int half = 0; half < 2; half++) {
                int row = transposed ? l % 4 * 2 + half : l / 4, column = transposed ? l / 4 : l % 4 * 2 + half;
                memcpy(&pair[half], lanes[matrix * 8 + row].payload[parity].ldmatrix.row + 2 * column, 2);
            }
            lanes[l].payload[parity].ldmatrix.r[matrix] = pair[0] | unsigned(pair[1]) << 16;
        }
    }
}

} // namespace
