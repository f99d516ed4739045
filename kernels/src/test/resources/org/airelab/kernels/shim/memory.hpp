// Checks of the kernel's accesses to memory.
//
// Every two bytes of global and shared memory have a cell: who wrote them last, who has read them since, and when. Time
// is one counter that each barrier advances. Two accesses of different threads are ordered when a barrier of the block,
// or __syncwarp of the warp both belong to, lies between them, or as clocks.hpp says; blocks of a launch are ordered by
// turns.hpp alone. (A shuffle orders nothing: CUDA promises no memory ordering by it.) Two readers are enough to
// remember, of different warps where there are any: whoever writes next is unordered with at least one of them, if with
// any.
#pragma once
#include "clocks.hpp"

namespace {

// Whether this thread knows of what one of a block before did at the time given.
bool knownEarlier(uint32_t when, uint16_t thread) {
    for (const Earlier &earlier : fibers[me].earlier) {
        if (earlier.thread == thread && when >= earlier.first && when <= earlier.until) return true;
    }
    return false;
}

// Whether an access at the time given, no older than the horizon counts, is unordered with one that is made now.
inline bool unordered(uint32_t when, uint16_t thread, uint32_t horizon) {
    if (when < horizon) return false;
    if (when < blockFirst) return !knownEarlier(when, thread);
    if (partial && thread < CLOCKS && when <= clocks[me][thread]) return false;
    if (thread >= MOST_THREADS && thread < CLOCKS) return true;
    if (when < blockSince || thread == me) return false;
    return thread / WARP != me / WARP || when >= warps[me / WARP].since;
}

inline void noteRead(Cell *cell, uint32_t horizon) {
    uint16_t thread = uint16_t(me);
    // A reader counts no more once it is ordered with all that can follow; one of another block always does.
    auto stale = [&](int i) {
        return cell->read[i] < horizon || (cell->read[i] >= blockFirst && cell->read[i] < blockSince);
    };
    auto take = [&](int i) {
        cell->read[i] = now;
        cell->reader[i] = thread;
    };
    if (cell->reader[0] == thread && cell->read[0] >= blockFirst) return take(0);
    if (cell->reader[1] == thread && cell->read[1] >= blockFirst) return take(1);
    if (stale(0)) return take(0);
    if (stale(1)) return take(1);
    bool foreign = cell->read[0] < blockFirst;
    int warp0 = cell->reader[0] / WARP, warp1 = cell->reader[1] / WARP, mine = me / WARP;
    if (foreign || warp0 == warp1 || mine == warp1) return take(1);
    if (mine == warp0) return take(0);
}

bool poisoned(const Cell *cell) {
    return *reinterpret_cast<uint16_t *>(arena + Address(cell - shadow) * GRAIN) == 0xffff;
}

const char *const COPYING = "an asynchronous copy to it has not been waited for";

// An access to what stands for registers, while wgmma may be at them.
inline void touch(bool write, Address address, size_t bytes, const void *pc) {
    for (const InUse &range : fibers[me].inUse) {
        if (address < range.start + range.bytes && range.start < address + bytes && (write || range.written)) {
            sayThread(me, block);
            say(write ? " writes" : " reads");
            say(" registers of a wgmma that has not been waited for");
            leave(pc);
        }
    }
    uint32_t *word = touched + (address - Address(stacks)) / 4;
    for (size_t i = 0; i < (address % 4 + bytes + 3) / 4; i++) word[i] = fibers[me].fences + 1;
}

// A write to dynamic shared memory that wgmma or TMA may still read for another warp.
inline void overwrite(Address address, size_t bytes, const void *pc) {
    for (Address piece = (address - arena) / 16; piece <= (address - arena + bytes - 1) / 16; piece++) {
        for (int warp = 0; warp * WARP < threads; warp++) {
            uint32_t until = readUntil[piece][warp];
            if (until < blockSince) continue;
            bool known = until != STILL && warp == me / WARP;
            for (int i = warp * WARP; i < (warp + 1) * WARP && until != STILL; i++) known |= until <= clocks[me][i];
            if (!known) {
                sayAccess(true, arena + piece * 16, 16);
                say(": a race, wgmma or TMA may still read it for warp %d", warp);
                leave(pc);
            }
        }
    }
}

// Finds the cells of an access, or rules on one elsewhere: a thread's own stack, the library's constants.
inline Cell *locate(bool write, Address address, size_t bytes, const void *pc, uint32_t &horizon) {
    Address offset = address - arena;
    if (offset < ARENA_BYTES) {
        horizon = offset < SHARED_REGION ? blockFirst : launchStart;
        return shadow + offset / GRAIN;
    }
    offset = address - staticStart;
    if (offset < staticBytes) {
        horizon = blockFirst;
        return staticShadow + offset / GRAIN;
    }
    Address stack = Address(stacks) + Address(me) * STACK;
    if (address - stack < STACK) {
        if (multiplied) touch(write, address, bytes, pc);
        return nullptr;
    }
    if (!write && address >= imageStart && address < imageEnd) return nullptr;
    fault(write, address, bytes, pc, "out of bounds");
}

template <bool WRITE, bool ATOMICALLY = false>
inline void access(Address address, size_t bytes, const void *pc) {
    uint32_t horizon = 0;
    Cell *cell = locate(WRITE, address, bytes, pc, horizon);
    if (cell == nullptr) return;
    bool shared = horizon == blockFirst;
    if (WRITE && partial && shared && address - arena < MOST_DYNAMIC) overwrite(address, bytes, pc);
    for (Cell *end = cell + (address % GRAIN + bytes + GRAIN - 1) / GRAIN; cell < end; cell++) {
        if (!(cell->flags & VALID)) fault(WRITE, address, bytes, pc, "out of bounds");
        if (cell->flags & PENDING) fault(WRITE, address, bytes, pc, COPYING);
        if (!WRITE || ATOMICALLY) {
            bool unwritten = shared ? cell->written < blockFirst
                                    : (cell->flags & TRACKED) && cell->written == 0 && poisoned(cell);
            if (unwritten) fault(false, address, bytes, pc, "nothing has been written there");
        }
        if (!(ATOMICALLY && (cell->flags & ATOMIC)) && unordered(cell->written, cell->writer, horizon)) {
            race(WRITE, address, bytes, pc, cell->written, cell->writer, "wrote");
        }
        if (!WRITE) {
            noteRead(cell, horizon);
            continue;
        }
        for (int i = 0; i < 2; i++) {
            if (unordered(cell->read[i], cell->reader[i], horizon)) {
                race(true, address, bytes, pc, cell->read[i], cell->reader[i], "read");
            }
        }
        bool others = ATOMICALLY && (cell->flags & ATOMIC) && unordered(cell->written, cell->writer, horizon);
        cell->written = now;
        cell->writer = others ? MANY : uint16_t(me);
        cell->read[0] = cell->read[1] = 0;
        cell->flags = uint16_t(ATOMICALLY ? cell->flags | ATOMIC : cell->flags & ~ATOMIC);
    }
}

bool inShared(Address address) {
    return address - arena < SHARED_REGION || address - staticStart < staticBytes;
}

} // namespace
