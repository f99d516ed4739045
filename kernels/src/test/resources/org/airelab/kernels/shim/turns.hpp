// Turns between the blocks of a launch: a word that a thread writes when it has done its part (st.release), and others
// wait for (ld.acquire). Blocks run one after the other here, so that who waits finds the word as it must be, or never.
// And the copies whose results they hand on (PTX ISA, "cp.async.bulk", "cp.reduce.async.bulk"): made at once, but known
// to others only when their thread has waited for them to be complete before it passes its turn on.
#pragma once
#include "tma.hpp"

namespace {

void bulkCopy(bool add, Address to, Address shared, Address bytes, const void *pc) {
    if (to % 16 != 0 || inShared(to)) fault(true, to, bytes, pc, "expected global memory aligned to 16 bytes");
    if (shared % 16 != 0 || shared - arena >= MOST_DYNAMIC) {
        fault(false, shared, bytes, pc, "expected dynamic shared memory aligned to 16 bytes");
    }
    if (bytes % 16 != 0) fault(false, shared, bytes, pc, "expected a multiple of 16 bytes");
    partial = true;
    access<false>(shared, bytes, pc);
    for (Address i = 0; i < bytes; i += GRAIN) checkProxy(shared + i, pc);
    if (add) access<false>(to, bytes, pc);
    access<true>(to, bytes, pc);
    float *sums = reinterpret_cast<float *>(to);
    const float *parts = reinterpret_cast<const float *>(shared);
    for (Address i = 0; i < bytes / 4; i++) sums[i] = add ? sums[i] + parts[i] : parts[i];
    for (Address i = 0; i < bytes / 16; i++) readUntil[(shared - arena) / 16 + i][me / WARP] = STILL;
    fibers[me].bulkCopies.push_back({shared, bytes, to, fibers[me].bulkGroups, false});
}

// All but the last `groups` groups have been read, or are complete: their writes then count as of now.
void waitForBulk(int groups, bool read) {
    Fiber &fiber = fibers[me];
    std::vector<BulkCopy> rest;
    for (BulkCopy &copy : fiber.bulkCopies) {
        bool over = copy.group < fiber.bulkGroups - groups;
        for (Address i = 0; i < copy.bytes / 16 && over && !copy.read; i++) {
            readUntil[(copy.shared - arena) / 16 + i][me / WARP] = now;
        }
        copy.read |= over;
        for (Address i = 0; i < copy.bytes / GRAIN && over && !read; i++) cellOf(copy.global)[i].written = now;
        if (!over || read) rest.push_back(copy);
    }
    fiber.bulkCopies.swap(rest);
    tick();
}

Turn *findTurn(Address word) {
    for (Turn &turn : turns) {
        if (turn.word == word) return &turn;
    }
    return nullptr;
}

void waitForTurn(Address word, unsigned value, const void *pc) {
    uint32_t horizon;
    Cell *cell = locate(false, word, 4, pc, horizon);
    if (cell == nullptr || word % 4 != 0 || inShared(word)) {
        fault(false, word, 4, pc, "a turn is a word of global memory");
    }
    Turn *turn = findTurn(word);
    if (turn == nullptr) access<false>(word, 4, pc);
    else if (!(cell->flags & VALID)) fault(false, word, 4, pc, "out of bounds");
    unsigned found = *reinterpret_cast<unsigned *>(word);
    if (found < value) {
        sayThread(me, block);
        say(" waits for turn %u where the blocks before have passed on %u: blocks begin in any order", value, found);
        leave(pc);
    }
    if (turn == nullptr) return;
    std::vector<Earlier> &mine = fibers[me].earlier;
    mine.insert(mine.end(), turn->earlier.begin(), turn->earlier.end());
}

void passTurn(Address word, unsigned value, const void *pc) {
    if (findTurn(word) == nullptr) {
        access<true>(word, 4, pc);
        turns.push_back({word, {}});
    }
    findTurn(word)->earlier = fibers[me].earlier;
    findTurn(word)->earlier.push_back({blockFirst, now, uint16_t(me)});
    *reinterpret_cast<unsigned *>(word) = value;
    tick();
}

} // namespace
