// Products of a warp group (PTX ISA, "wgmma.mma_async"), read by their descriptors as "Canonical Layouts" says. They
// are formed when all 128 threads have come; until a thread has waited for them, their registers may not be touched,
// nor what they read in shared memory be overwritten.
#pragma once
#include "turns.hpp"

namespace {

const int GROUP = 128, DEPTH = 16, MOST_COLUMNS = 256;
int atProduct[MOST_THREADS / GROUP];

// Reads an operand, `lines` of m or n by 16 of k, into rows of 16, and notes which pieces of shared memory it takes.
struct OperandReader {
    uint64_t descriptor;
    int bfloat, first;
    const void *pc;
    std::vector<uint32_t> &pieces;
    uint32_t written = 0;
    uint16_t writer = MANY;

    uint64_t field(int bit) const { return (descriptor >> bit & 0x3fff) << 4; }

    float element(int i, int k, bool mnMajor) {
        uint64_t swizzle = descriptor >> 62, lineBytes = swizzle == 1 ? 128 : swizzle == 2 ? 64 : 32;
        uint64_t perLine = lineBytes / 2, leading = field(16), stride = field(32);
        uint64_t offset = mnMajor ? uint64_t(i) / perLine * leading + uint64_t(i) % perLine * 2
                                    + uint64_t(k / 8) * stride + uint64_t(k % 8) * lineBytes
                                  : uint64_t(i / 8) * stride + uint64_t(i % 8) * lineBytes + uint64_t(k) * 2;
        uint64_t at = field(0) + offset;
        at ^= (at >> 7 & (lineBytes / 16 - 1)) << 4;
        check(arena + at);
        pieces.push_back(uint32_t(at / 16));
        uint16_t bits;
        memcpy(&bits, reinterpret_cast<const void *>(arena + at), 2);
        return toFloat(bfloat, bits);
    }

    // All threads of the group must know what they read, so that neighbours of one writer are asked for once.
    void check(Address address) {
        if (address - arena >= MOST_DYNAMIC) fault(false, address, 2, pc, "wgmma reads dynamic shared memory");
        const Cell *cell = cellOf(address);
        if (!(cell->flags & VALID)) fault(false, address, 2, pc, "out of bounds");
        if (cell->flags & PENDING) fault(false, address, 2, pc, COPYING);
        if (cell->written < blockFirst) fault(false, address, 2, pc, "nothing has been written there");
        if (cell->written == written && cell->writer == writer) return;
        written = cell->written;
        writer = cell->writer;
        checkProxy(address, pc);
        int asked = me;
        for (me = first; me < first + GROUP; me++) {
            if (!unordered(written, writer, blockFirst)) continue;
            race(false, address, 2, pc, written, writer, "wrote");
        }
        me = asked;
    }
};

void checkRegisters(const void *registers, Address bytes, const void *pc) {
    Fiber &fiber = fibers[me];
    const uint32_t *word = touched + (Address(registers) - Address(stacks)) / 4;
    for (Address i = 0; i < bytes / 4; i++) {
        if (fiber.fences == fiber.firstFence || word[i] > fiber.fences) {
            sayThread(me, block);
            say(" comes to wgmma with registers touched since its last wgmma.fence");
            leave(pc);
        }
    }
}

// PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16": warp w holds rows 16 w to 16 w + 15, as with mma.
void form(int first, const void *pc) {
    const Product &asked = fibers[first].product;
    static float a[64][DEPTH], b[MOST_COLUMNS][DEPTH];
    Operands operands = {fibers[first].products, {}};
    if (asked.registers == nullptr) {
        OperandReader reader = {asked.a, asked.bfloat, first, pc, operands.pieces};
        for (int k = 0; k < DEPTH; k++) {
            for (int i = 0; i < 64; i++) a[i][k] = reader.element(i, k, asked.aMnMajor);
        }
    }
    OperandReader reader = {asked.b, asked.bfloat, first, pc, operands.pieces};
    for (int k = 0; k < DEPTH; k++) {
        for (int j = 0; j < asked.columns; j++) b[j][k] = reader.element(j, k, asked.bMnMajor);
    }
    for (int t = 0; t < GROUP; t++) {
        Fiber &fiber = fibers[first + t];
        int row = t / WARP * 16 + t % WARP / 4, pair = t % 4 * 2;
        for (int i = 0; i < 8 && asked.registers != nullptr; i++) {
            a[row + i / 2 % 2 * 8][pair + i / 4 * 8 + i % 2] =
                    toFloat(asked.bfloat, uint16_t(fiber.product.registers[i / 2] >> 16 * (i % 2)));
        }
    }
    for (int t = 0; t < GROUP; t++) {
        Fiber &fiber = fibers[first + t];
        for (int i = 0; i < asked.columns / 2; i++) {
            const float *left = a[t / WARP * 16 + t % WARP / 4 + i / 2 % 2 * 8];
            const float *right = b[i / 4 * 8 + t % 4 * 2 + i % 2];
            float sum = asked.accumulate ? fiber.product.d[i] : 0;
            for (int k = 0; k < DEPTH; k++) sum += left[k] * right[k];
            fiber.product.d[i] = sum;
        }
        fiber.inUse.push_back({Address(fiber.product.d), Address(asked.columns * 2), operands.group, true});
        if (asked.registers == nullptr) continue;
        fiber.inUse.push_back({Address(fiber.product.registers), 16, operands.group, false});
    }
    for (int warp = first / WARP; warp < (first + GROUP) / WARP; warp++) {
        for (uint32_t piece : operands.pieces) readUntil[piece][warp] = STILL;
        warps[warp].operands.push_back(operands);
    }
}

void multiplyGroup(const Product &product, const void *pc) {
    int group = me / GROUP, first = group * GROUP;
    auto wrong = [&](const char *why) {
        sayThread(me, block);
        say(" comes to wgmma %s", why);
        leave(pc);
    };
    if (first + GROUP > threads) wrong("in a warp group of less than 128 threads");
    for (int i = first; i < first + GROUP; i++) {
        if (fibers[i].waits == EXITED) wrong("in a warp group of which threads have ended");
        bool elsewhere = ofWarp(fibers[i].waits) && fibers[i].waits != WGMMA;
        if (i / WARP == me / WARP && elsewhere) wrong("while its warp diverges");
    }
    // Accumulators of one product after the other need no fence in between.
    bool running = false;
    for (const InUse &range : fibers[me].inUse) running |= range.written && range.start == Address(product.d);
    if (!running) checkRegisters(product.d, Address(product.columns * 2), pc);
    if (product.registers != nullptr) checkRegisters(product.registers, 16, pc);
    fibers[me].product = product;
    if (++atProduct[group] < GROUP) {
        wait(WGMMA);
        return;
    }
    atProduct[group] = 0;
    for (int i = first; i < first + GROUP; i++) {
        const Product &other = fibers[i].product;
        if (other.a != product.a || other.b != product.b || other.columns != product.columns
            || !other.accumulate != !product.accumulate || fibers[i].products != fibers[me].products) {
            wrong("with other operands, or in another group, than the threads before");
        }
    }
    form(first, pc);
    release(first, first + GROUP, WGMMA);
}

// All lanes of a warp have come to wait for all but the last `groups` groups of products.
void retire(int groups) {
    Warp &warp = warps[me / WARP];
    int end = fibers[me].products - groups;
    for (const Operands &operands : warp.operands) {
        if (operands.group >= end) continue;
        for (uint32_t piece : operands.pieces) readUntil[piece][me / WARP] = now;
    }
    size_t kept = 0;
    for (Operands &operands : warp.operands) {
        if (operands.group < end) continue;
        for (uint32_t piece : operands.pieces) readUntil[piece][me / WARP] = STILL;
        std::swap(warp.operands[kept++], operands);
    }
    warp.operands.resize(kept);
    for (int i = warpStart(); i < warpEnd(); i++) {
        std::vector<InUse> rest;
        for (const InUse &range : fibers[i].inUse) {
            if (range.group >= end) rest.push_back(range);
        }
        fibers[i].inUse.swap(rest);
    }
}

} // namespace
