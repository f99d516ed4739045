// Runs the blocks of a kernel that g++ compiled with -fsanitize=thread, and answers the sanitizer's calls itself: each
// access of the kernel to memory is checked for its bounds, for data races and for reads of what nobody has written.
#include "wgmma.hpp"

#define EXPORT extern "C" __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

namespace {

// Registers of a thread that setmaxnreg counts by: what the block was launched with, or a warp group has since.
int registers[MOST_THREADS / GROUP];

// Nothing that a thread, or all of the block, has begun may outlive it.
void endThread() {
    bool copying = !fibers[me].stores.empty() || !fibers[me].bulkCopies.empty();
    const char *what = !fibers[me].inUse.empty() ? "a wgmma" : copying ? "a copy to global memory"
                       : exited == threads && !tmaCopies.empty() ? "a copy to shared memory" : nullptr;
    if (what == nullptr) return;
    sayThread(me, block);
    say(" has ended with %s under way", what);
    leave(nullptr);
}

void run() {
    entry(arguments);
    Warp &warp = warps[me / WARP];
    exited++;
    if (atBarrier > 0) {
        sayThread(me, block);
        say(" has ended without coming to the __syncthreads at which %d threads wait", atBarrier);
        leave(barrierSite);
    }
    endThread();
    warp.alive--;
    // The lanes that wait were only waiting for this one, which CUDA does not count any more.
    for (int i = warpStart(); i < warpEnd() && warp.arrived > 0; i++) {
        Meeting meeting = fibers[i].waits;
        if (ofWarp(meeting) && meeting != WGMMA) {
            if (complete(warp, meeting)) release(warpStart(), warpEnd(), meeting);
            break;
        }
    }
    wait(EXITED);
}

void deadlock() {
    say("block (%u, %u, %u) is at a standstill:", block.x, block.y, block.z);
    for (int meeting = BARRIER; meeting <= EXITED; meeting++) {
        int count = 0, first = -1;
        for (int i = 0; i < threads; i++) {
            if (fibers[i].waits == meeting && count++ == 0) first = i;
        }
        if (count > 0) say(" %d threads (thread %d first) are at %s;", count, first, MEETINGS[meeting]);
    }
    failed = true;
}

void mark(Cell *cells, Address bytes, uint16_t flags) {
    for (Address i = 0; i < (bytes + GRAIN - 1) / GRAIN; i++) cells[i].flags = flags;
}

void runBlock(uint32_t linear) {
    block = place(linear);
    tick();
    blockFirst = blockSince = now;
    blockStarts.push_back({now, linear});
    exited = atBarrier = 0;
    beginBarriers();
    tmaCopies.clear();
    multiplied = false;
    memset(atProduct, 0, sizeof atProduct);
    memset(registers, 0, sizeof registers);
    // Marked anew, as a copy that no thread waited for may be pending since the last block.
    mark(shadow, validShared, VALID);
    mark(staticShadow, staticBytes, VALID);
    memset(reinterpret_cast<void *>(arena), 0xff, validShared);
    if (staticBytes > 0) memset(reinterpret_cast<void *>(staticStart), 0xff, staticBytes);
    for (int i = 0; i < threads; i += WARP) {
        warps[i / WARP] = {threads - i < WARP ? threads - i : WARP, 0, 0, {0, 0}, now, {}};
    }
    for (int i = 0; i < threads; i++) {
        // Staggered, or all stacks would compete for the same lines of the processor's caches.
        begin(i, stacks + Address(i + 1) * STACK - Address(i % WARP) * 128, run);
        fibers[i].waits = NONE;
        fibers[i].copies.clear();
        fibers[i].groups = 0;
        fibers[i].stores.clear();
        fibers[i].bulkCopies.clear();
        fibers[i].bulkGroups = 0;
        fibers[i].earlier.clear();
        fibers[i].inUse.clear();
        fibers[i].products = 0;
        fibers[i].proxyFence = 0;
        fibers[i].firstFence = fibers[i].fences;
        ready[i] = i;
    }
    readyCount = threads;
    while ((readyCount > 0 || !tmaCopies.empty()) && !failed) {
        unsigned chosen = pick(unsigned(readyCount) + unsigned(tmaCopies.size()));
        if (chosen >= unsigned(readyCount)) {
            finishLoad(chosen - unsigned(readyCount));
            continue;
        }
        me = ready[chosen];
        ready[chosen] = ready[--readyCount];
        toFiber(me);
    }
    if (!failed && exited < threads) deadlock();
    if (!failed) endBarriers();
}

void *reserve(Address bytes) {
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("the shim's memory");
        abort();
    }
    return memory;
}

void initialize() {
    if (arena != 0) return;
    arena = Address(reserve(ARENA_BYTES));
    shadow = static_cast<Cell *>(reserve(ARENA_BYTES / GRAIN * sizeof(Cell)));
    stacks = static_cast<char *>(reserve(MOST_THREADS * STACK));
    touched = static_cast<uint32_t *>(reserve(MOST_THREADS * STACK));
    for (int i = 0; i < MOST_THREADS; i++) mprotect(stacks + Address(i) * STACK, STACK_GUARD, PROT_NONE);
}

} // namespace

// For HostLauncher.

// Memory with guard zones around it, filled with 0xff; when tracked, reading what was never written is an error.
EXPORT void *lab_allocate(long bytes, int tracked) {
    initialize();
    Address start = next, room = (Address(bytes) + GUARD + 255) / 256 * 256;
    if (room > ARENA_BYTES - start) return nullptr;
    next += room;
    buffers++;
    ranges.push_back({arena + start, Address(bytes)});
    memset(shadow + start / GRAIN, 0, room / GRAIN * sizeof(Cell));
    mark(shadow + start / GRAIN, Address(bytes), uint16_t(tracked ? VALID | TRACKED : VALID));
    memset(reinterpret_cast<void *>(arena + start), 0xff, Address(bytes));
    return reinterpret_cast<void *>(arena + start);
}

// From now on no kernel may touch the buffer. Memory is reused once all buffers are gone.
EXPORT void lab_free(void *buffer) {
    for (size_t i = 0; i < ranges.size(); i++) {
        if (ranges[i].start == Address(buffer)) {
            mark(shadow + (ranges[i].start - arena) / GRAIN, ranges[i].bytes, 0);
            ranges.erase(ranges.begin() + long(i));
            if (--buffers == 0) next = SHARED_REGION + GUARD;
            return;
        }
    }
}

// Runs a kernel. Returns 0, or 1 after an error, which `text` then describes and `where` locates in the kernel's code.
EXPORT int lab_launch(void (*function)(void **), void **values, const char *kinds, const char *const *module,
                      unsigned gridX, unsigned gridY, unsigned gridZ, int blockThreads, int sharedBytes, long seed,
                      char *text, long textBytes, long *where) {
    initialize();
    entry = function;
    arguments = values;
    pointers.clear();
    for (int i = 0; kinds[i] != 0; i++) pointers.push_back(kinds[i] == 'p' ? *static_cast<Address *>(values[i]) : 0);
    staticStart = Address(module[0]);
    staticBytes = Address(module[1]) - staticStart;
    imageStart = Address(module[2]);
    imageEnd = Address(module[3]);
    message = text;
    messageBytes = textBytes;
    *message = 0;
    failed = false;
    failedAt = 0;
    if (staticBytes > MOST_STATIC || Address(sharedBytes) > MOST_DYNAMIC) {
        say("expected at most %lu bytes of static and %lu of dynamic shared memory, found %lu and %d", MOST_STATIC,
            MOST_DYNAMIC, staticBytes, sharedBytes);
        return 1;
    }
    mark(shadow, validShared, 0);
    validShared = Address(sharedBytes);
    mark(staticShadow, sizeof staticShadow / sizeof(Cell) * GRAIN, 0);
    grid = {gridX, gridY, gridZ};
    threads = blockThreads;
    randomState = uint64_t(seed) * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
    randomState |= 1;
    for (int i = 0; i < 8; i++) pick(1);
    tick();
    launchStart = now;
    blockStarts.clear();
    turns.clear();
    std::vector<uint32_t> order(Address(gridX) * gridY * gridZ);
    for (size_t i = 0; i < order.size(); i++) {
        size_t other = pick(unsigned(i + 1));
        order[i] = order[other];
        order[other] = uint32_t(i);
    }
    for (size_t i = 0; i < order.size() && !failed; i++) runBlock(order[i]);
    *where = long(failedAt);
    return failed;
}

// For the kernel: shim.hpp.

EXPORT Index lab_thread_index() { return {unsigned(me), 0, 0}; }
EXPORT Index lab_block_index() { return block; }
EXPORT Index lab_block_size() { return {unsigned(threads), 1, 1}; }
EXPORT Index lab_grid_size() { return grid; }
EXPORT void *lab_dynamic_shared() { return reinterpret_cast<void *>(arena); }

EXPORT void lab_syncthreads() {
    if (exited > 0) {
        sayThread(me, block);
        say(" comes to a __syncthreads that %d threads have ended without", exited);
        leave(CALLER);
    }
    if (atBarrier > 0 && barrierSite != CALLER) {
        sayThread(me, block);
        say(" comes to another __syncthreads than the one at which %d threads wait: the block diverges", atBarrier);
        leave(CALLER);
    }
    barrierSite = CALLER;
    if (++atBarrier < threads) {
        wait(BARRIER);
        return;
    }
    atBarrier = 0;
    if (partial) join(0, threads);
    tick();
    blockSince = now;
    release(0, threads, BARRIER);
}

EXPORT void lab_syncwarp(unsigned mask) { meet(SYNCWARP, mask, Payload(), CALLER, [](int) {}); }

EXPORT uint64_t lab_shuffle(int kind, unsigned mask, uint64_t value, int by, int width) {
    Payload payload;
    payload.word = value;
    int parity = meet(SHUFFLE, mask, payload, CALLER, [](int) {});
    int first = lane() / width * width, source = lane();
    if (kind == 0) source = lane() ^ by;
    else if (kind == 1) source = lane() + by;
    else if (kind == 2) source = lane() - by;
    else source = first + (by & (width - 1));
    // Past the end of its group (before its beginning) a lane keeps its own value; xor may look into earlier groups.
    if (source >= first + width || (source < first && kind == 2)) source = lane();
    if (source >= WARP || !(warps[me / WARP].lanes[parity] >> source & 1)) {
        sayThread(me, block);
        say(" shuffles with lane %d of its warp, which has ended or never was", source);
        leave(CALLER);
    }
    return fibers[warpStart() + source].payload[parity].word;
}

EXPORT unsigned lab_ballot(unsigned mask, int predicate) {
    Payload payload;
    payload.word = predicate != 0;
    int parity = meet(BALLOT, mask, payload, CALLER, [](int) {});
    unsigned votes = 0, lanes = warps[me / WARP].lanes[parity];
    for (int i = 0; i < WARP; i++) {
        if (lanes >> i & 1) votes |= unsigned(fibers[warpStart() + i].payload[parity].word) << i;
    }
    return votes;
}

EXPORT Four lab_mma(int bfloat, float d0, float d1, float d2, float d3, unsigned a0, unsigned a1, unsigned a2,
                    unsigned a3, unsigned b0, unsigned b1) {
    Payload payload;
    payload.mma = {{a0, a1, a2, a3}, {b0, b1}, {d0, d1, d2, d3}};
    int parity = meet(MMA, 0xffffffffu, payload, CALLER, [bfloat](int parity) { multiply(bfloat, parity); });
    const float *d = fibers[me].payload[parity].mma.d;
    return {d[0], d[1], d[2], d[3]};
}

EXPORT FourWords lab_ldmatrix(int transposed, const void *row) {
    Address address = Address(row);
    if (address % 16 != 0 || !inShared(address)) {
        fault(false, address, 16, CALLER, "ldmatrix takes rows of shared memory aligned to 16 bytes");
    }
    access<false>(address, 16, CALLER);
    Payload payload;
    payload.ldmatrix = {static_cast<const char *>(row), {}};
    int parity = meet(LDMATRIX, 0xffffffffu, payload, CALLER,
                      [transposed](int parity) { distribute(transposed, parity); });
    const unsigned *r = fibers[me].payload[parity].ldmatrix.r;
    return {r[0], r[1], r[2], r[3]};
}

EXPORT void lab_cp_async(void *shared, const void *global, int bytes, bool valid) {
    Address to = Address(shared), from = Address(global);
    if (to % unsigned(bytes) != 0 || !inShared(to)) {
        fault(true, to, size_t(bytes), CALLER, "cp.async copies to shared memory, aligned to what it copies");
    }
    access<true>(to, size_t(bytes), CALLER);
    if (valid) {
        if (from % unsigned(bytes) != 0 || inShared(from)) {
            fault(false, from, size_t(bytes), CALLER, "cp.async copies from global memory, aligned to what it copies");
        }
        access<false>(from, size_t(bytes), CALLER);
    }
    uint32_t horizon;
    Cell *cells = locate(true, to, size_t(bytes), CALLER, horizon);
    for (int i = 0; i < bytes / int(GRAIN); i++) cells[i].flags |= PENDING;
    const char *source = valid ? static_cast<const char *>(global) : nullptr;
    fibers[me].copies.push_back({static_cast<char *>(shared), source, bytes, fibers[me].groups});
}

EXPORT void lab_cp_async_commit() { fibers[me].groups++; }

EXPORT void lab_cp_async_wait(int groups) {
    Fiber &fiber = fibers[me];
    size_t done = 0;
    for (; done < fiber.copies.size() && fiber.copies[done].group < fiber.groups - groups; done++) {
        const Copy &copy = fiber.copies[done];
        if (copy.from != nullptr) memcpy(copy.to, copy.from, size_t(copy.bytes));
        else memset(copy.to, 0, size_t(copy.bytes));
        uint32_t horizon;
        Cell *cells = locate(true, Address(copy.to), size_t(copy.bytes), CALLER, horizon);
        for (int i = 0; i < copy.bytes / int(GRAIN); i++) cells[i].flags &= uint16_t(~PENDING);
        access<true>(Address(copy.to), size_t(copy.bytes), CALLER);
    }
    fiber.copies.erase(fiber.copies.begin(), fiber.copies.begin() + long(done));
}

// Of hopper.hpp.

EXPORT void lab_mbarrier_init(void *barrier, int arrivals) { makeMbarrier(Address(barrier), arrivals, CALLER); }

EXPORT void lab_mbarrier_init_fence() {
    for (int i = 0; i < mbarrierCount; i++) mbarriers[i].fenced |= mbarriers[i].maker == me;
    fibers[me].proxyFence = now;
    tick();
}

EXPORT void lab_mbarrier_arrive(void *barrier, int bytes) { arriveAt(Address(barrier), bytes, CALLER); }
EXPORT void lab_mbarrier_wait(void *barrier, int parity) { waitAt(Address(barrier), unsigned(parity), CALLER); }
EXPORT void lab_named_barrier(int barrier, int count, int sync) { comeTo(barrier, count, sync, CALLER); }

EXPORT void lab_tma_load(void *shared, const void *map, const int *at, int rank, void *barrier) {
    beginLoad(Address(shared), map, at, rank, Address(barrier), CALLER);
}
EXPORT void lab_tma_store(const void *map, const void *shared, const int *at, int rank) {
    store(map, Address(shared), at, rank, CALLER);
}
EXPORT void lab_tma_store_wait() { waitForStores(); }

EXPORT void lab_bulk_copy(int add, void *to, const void *shared, int bytes) {
    bulkCopy(add, Address(to), Address(shared), Address(bytes), CALLER);
}
EXPORT void lab_bulk_commit() { fibers[me].bulkGroups++; }
EXPORT void lab_bulk_wait(int groups, int read) { waitForBulk(groups, read); }
EXPORT void lab_turn_wait(const void *word, unsigned value) { waitForTurn(Address(word), value, CALLER); }
EXPORT void lab_turn_pass(void *word, unsigned value) { passTurn(Address(word), value, CALLER); }

EXPORT void lab_async_proxy_fence() {
    fibers[me].proxyFence = now;
    tick();
}

// All threads are launched with as many registers, the most that fit; warp groups may not have more in all.
EXPORT void lab_set_registers(int count) {
    int launched = (1 << 16) / threads / 8 * 8, groups = threads / GROUP, pool = launched * groups;
    registers[me / GROUP] = count;
    for (int i = 0; i < groups; i++) pool -= registers[i] > 0 ? registers[i] : 0;
    if (pool >= 0) return;
    sayThread(me, block);
    say(" claims registers: the block's warp groups then have %d more than it was launched with", -pool);
    leave(CALLER);
}

EXPORT unsigned lab_shared_address(const void *shared) {
    Address offset = Address(shared) - arena;
    if (offset >= MOST_DYNAMIC) fault(false, Address(shared), 1, CALLER, "expected dynamic shared memory");
    return unsigned(offset);
}

EXPORT void lab_wgmma(int bfloat, int columns, float *d, const unsigned *registers, unsigned long a, unsigned long b,
                      int accumulate, int aMnMajor, int bMnMajor) {
    multiplyGroup({bfloat, columns, accumulate, aMnMajor, bMnMajor, a, b, d, registers}, CALLER);
}
EXPORT void lab_wgmma_fence() {
    multiplied = true;
    fibers[me].fences++;
}
EXPORT void lab_wgmma_commit() { fibers[me].products++; }
EXPORT void lab_wgmma_wait(int groups) {
    meet(WGMMA_WAIT, 0xffffffffu, Payload(), CALLER, [groups](int) { retire(groups); });
}

EXPORT void lab_atomic(void *address, int bytes) {
    if (Address(address) % unsigned(bytes) != 0) fault(true, Address(address), size_t(bytes), CALLER, "misaligned");
    access<true, true>(Address(address), size_t(bytes), CALLER);
}

// For the sanitizers' instrumentation.

#define LAB_ACCESS(bytes) \
    EXPORT void __tsan_read##bytes(void *a) { access<false>(Address(a), bytes, CALLER); } \
    EXPORT void __tsan_write##bytes(void *a) { access<true>(Address(a), bytes, CALLER); } \
    EXPORT void __tsan_unaligned_read##bytes(void *a) { access<false>(Address(a), bytes, CALLER); } \
    EXPORT void __tsan_unaligned_write##bytes(void *a) { access<true>(Address(a), bytes, CALLER); }
LAB_ACCESS(1)
LAB_ACCESS(2)
LAB_ACCESS(4)
LAB_ACCESS(8)
LAB_ACCESS(16)
EXPORT void __tsan_read_range(void *a, unsigned long bytes) { access<false>(Address(a), bytes, CALLER); }
EXPORT void __tsan_write_range(void *a, unsigned long bytes) { access<true>(Address(a), bytes, CALLER); }
EXPORT void __tsan_init() {}
EXPORT void __tsan_func_entry(void *) {}
EXPORT void __tsan_func_exit() {}

// The layouts are those of GCC's libsanitizer; the checks are made before the access.
struct Location { const char *file; unsigned line, column; };
struct TypeMismatch { Location location; const void *type; unsigned char logAlignment, kind; };

EXPORT void __ubsan_handle_type_mismatch_v1(TypeMismatch *data, Address address) {
    sayThread(me, block);
    say(" uses ");
    sayPlace(address);
    say(": misaligned, expected a multiple of %d", 1 << data->logAlignment);
    leave(CALLER);
}

EXPORT void __ubsan_handle_out_of_bounds(void *, unsigned long index) {
    sayThread(me, block);
    say(" takes element %ld of an array, out of its bounds", long(index));
    leave(CALLER);
}
