// Copies of the Tensor Memory Accelerator (PTX ISA, "cp.async.bulk.tensor", "Tensor swizzling modes"). Those into
// shared memory happen some time after they were begun, in an order of the schedule's own; until then nothing may touch
// where they go to. Those to global memory happen at once, and nothing may overwrite where they come from until they
// have been waited for.
#pragma once
#include "barriers.hpp"

namespace {

const int MOST_DIMENSIONS = 5;

// What HostTensorMap writes in place of a CUtensorMap.
struct TensorMap {
    Address start;
    int rank, swizzleBytes, elementBytes, box[MOST_DIMENSIONS];
    int64_t sizes[MOST_DIMENSIONS], strides[MOST_DIMENSIONS - 1];

    int lineBytes() const { return box[0] * elementBytes; }
    int lines() const {
        int product = 1;
        for (int d = 1; d < rank; d++) product *= box[d];
        return product;
    }
};

struct TmaCopy {
    TensorMap map;
    int at[MOST_DIMENSIONS];
    Address shared;
    int mbarrier;
};
std::vector<TmaCopy> tmaCopies;

// Where in shared memory a byte of the tile lies: of its address there, bits 4 to 6 are changed by bits 7 to 9.
Address swizzle(const TensorMap &map, Address address) {
    Address offset = address - arena, mask = map.swizzleBytes > 0 ? Address(map.swizzleBytes / 16 - 1) : 0;
    return arena + (offset ^ (offset >> 7 & mask) << 4);
}

// Calls line(shared, global, bytes) for each line: where it begins in shared memory before the swizzle, where in global
// memory, and how many bytes of it are within the tensor.
template <class Line> void eachLine(const TmaCopy &copy, Line line) {
    const TensorMap &map = copy.map;
    for (int l = 0; l < map.lines(); l++) {
        Address global = map.start + Address(int64_t(copy.at[0]) * map.elementBytes);
        bool inside = copy.at[0] >= 0;
        for (int d = 1, rest = l; d < map.rank; rest /= map.box[d], d++) {
            int64_t index = int64_t(copy.at[d]) + rest % map.box[d];
            inside = inside && index >= 0 && index < map.sizes[d];
            global += Address(index * map.strides[d - 1]);
        }
        int64_t room = (map.sizes[0] - copy.at[0]) * map.elementBytes;
        int bytes = !inside || room < 0 ? 0 : room < map.lineBytes() ? int(room) : map.lineBytes();
        line(copy.shared + Address(l) * Address(map.lineBytes()), global, bytes);
    }
}

TmaCopy describe(const void *map, Address shared, const int *at, int rank, int mbarrier, const void *pc) {
    TmaCopy copy;
    memcpy(&copy.map, map, sizeof copy.map);
    if (copy.map.rank != rank) {
        sayThread(me, block);
        say(" copies a tile of %d dimensions by a map of %d", rank, copy.map.rank);
        leave(pc);
    }
    if (shared % 128 != 0 || shared - arena >= MOST_DYNAMIC) {
        fault(false, shared, 128, pc, "TMA takes dynamic shared memory aligned to 128 bytes");
    }
    memcpy(copy.at, at, size_t(rank) * sizeof(int));
    copy.shared = shared;
    copy.mbarrier = mbarrier;
    return copy;
}

Cell *cellOf(Address shared) { return shadow + (shared - arena) / GRAIN; }

void beginLoad(Address shared, const void *map, const int *at, int rank, Address barrier, const void *pc) {
    int index = findMbarrier(barrier, pc);
    if (!mbarriers[index].fenced) {
        fault(false, barrier, 8, pc, "its initialisation needs fence.mbarrier_init and fence.proxy.async");
    }
    TmaCopy copy = describe(map, shared, at, rank, index, pc);
    size_t bytes = size_t(copy.map.lineBytes() * copy.map.lines());
    for (Address to = shared; to < shared + bytes; to += 16) access<true>(to, 16, pc);
    eachLine(copy, [&](Address, Address global, int inside) {
        if (inside > 0) access<false>(global, size_t(inside), pc);
    });
    for (Address i = 0; i < bytes / GRAIN; i++) cellOf(shared)[i].flags |= PENDING;
    tmaCopies.push_back(copy);
}

// One of the copies under way happens, and its barrier hears of it.
void finishLoad(unsigned which) {
    TmaCopy copy = tmaCopies[which];
    tmaCopies.erase(tmaCopies.begin() + which);
    int lineBytes = copy.map.lineBytes();
    eachLine(copy, [&](Address shared, Address global, int inside) {
        for (int i = 0; i < lineBytes; i += copy.map.elementBytes) {
            char *to = reinterpret_cast<char *>(swizzle(copy.map, shared + Address(i)));
            if (i < inside) memcpy(to, reinterpret_cast<const char *>(global) + i, size_t(copy.map.elementBytes));
            else memset(to, 0, size_t(copy.map.elementBytes));
        }
    });
    Address bytes = Address(lineBytes * copy.map.lines());
    for (Address i = 0; i < bytes / GRAIN; i++) {
        Cell &cell = cellOf(copy.shared)[i];
        cell.flags &= uint16_t(~PENDING);
        cell.written = now;
        cell.writer = uint16_t(MOST_THREADS + copy.mbarrier);
        cell.read[0] = cell.read[1] = 0;
    }
    Mbarrier &barrier = mbarriers[copy.mbarrier];
    barrier.left[MOST_THREADS + copy.mbarrier] = now;
    tick();
    barrier.bytes -= long(bytes);
    me = -1; // nobody waits for a phase that he ends
    finishPhase(copy.mbarrier);
}

// What the asynchronous proxy reads must have been written by it, or before a fence of the writer's.
void checkProxy(Address shared, const void *pc) {
    const Cell *cell = cellOf(shared);
    if (cell->writer < MOST_THREADS && cell->written > fibers[cell->writer].proxyFence) {
        fault(false, shared, GRAIN, pc, "what a thread wrote needs fence.proxy.async before wgmma or TMA read it");
    }
}

void store(const void *map, Address shared, const int *at, int rank, const void *pc) {
    TmaCopy copy = describe(map, shared, at, rank, 0, pc);
    eachLine(copy, [&](Address from, Address global, int inside) {
        if (inside > 0) access<true>(global, size_t(inside), pc);
        for (int i = 0; i < inside; i += copy.map.elementBytes) {
            Address element = swizzle(copy.map, from + Address(i));
            access<false>(element, size_t(copy.map.elementBytes), pc);
            checkProxy(element, pc);
            memcpy(reinterpret_cast<char *>(global) + i, reinterpret_cast<const char *>(element),
                   size_t(copy.map.elementBytes));
        }
    });
    Address bytes = Address(copy.map.lineBytes() * copy.map.lines());
    fibers[me].stores.push_back({shared, bytes});
    for (Address i = 0; i < bytes / 16; i++) readUntil[(shared - arena) / 16 + i][me / WARP] = STILL;
}

void waitForStores() {
    for (const auto &range : fibers[me].stores) {
        for (Address i = 0; i < range.second / 16; i++) readUntil[(range.first - arena) / 16 + i][me / WARP] = now;
    }
    fibers[me].stores.clear();
}

} // namespace
