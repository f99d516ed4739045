// Runs the blocks of a kernel that g++ compiled with -fsanitize=thread, and answers the sanitizer's calls itself: each
// access of the kernel to memory is checked for its bounds, for data races and for reads of what nobody has written.
//
// Every two bytes of global and shared memory have a cell: who wrote them last, who has read them since, and when. Time
// is one counter that each barrier advances. Two accesses of different threads are ordered when a barrier of the block,
// or __syncwarp of the warp both belong to, lies between them; blocks of a launch are never ordered. (A shuffle orders
// nothing: CUDA promises no memory ordering by it.) Two readers are enough to remember, of different warps where there
// are any: whoever writes next is unordered with at least one of them, if with any.
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <vector>
#ifndef __x86_64__
#include <ucontext.h>
#endif

#define EXPORT extern "C" __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

namespace {

typedef uintptr_t Address;

const int WARP = 32, MOST_THREADS = 1024;
const Address ARENA_BYTES = Address(1) << 34;
const Address GRAIN = 2;
// Dynamic shared memory lies at the beginning of the arena, before the first buffer.
const Address SHARED_REGION = 256 << 10;
// A library's static shared memory is that of all its entries together: more than a block can have.
const Address MOST_DYNAMIC = 227 << 10, MOST_STATIC = 1 << 20;
const Address GUARD = 4096;
const Address STACK = 64 << 10, STACK_GUARD = 4096;

enum Flags : uint16_t { VALID = 1, TRACKED = 2, ATOMIC = 4, PENDING = 8 };
const uint16_t MANY = 0xffff;

struct Cell {
    uint32_t written, read[2];
    uint16_t writer, reader[2];
    uint16_t flags;
};

struct Index { unsigned x, y, z; };
struct Four { float x, y, z, w; };
struct alignas(16) FourWords { unsigned x, y, z, w; };

struct Copy {
    char *to;
    const char *from;
    int bytes, group;
};

enum Meeting { NONE, BARRIER, SYNCWARP, SHUFFLE, BALLOT, MMA, LDMATRIX, EXITED };
const char *const MEETINGS[] = {"nothing", "__syncthreads", "__syncwarp", "a shuffle", "a vote", "mma", "ldmatrix",
                                "their end"};

union Payload {
    uint64_t word;
    struct { unsigned a[4], b[2]; float d[4]; } mma;
    struct { const char *row; unsigned r[4]; } ldmatrix;
};

struct Fiber {
#ifdef __x86_64__
    void *context;
#else
    ucontext_t context;
#endif
    Meeting waits;
    Payload payload[2];
    std::vector<Copy> copies;
    int groups;
};

struct Warp {
    int alive, arrived, parity;
    unsigned lanes[2];
    uint32_t since;
};

struct Range { Address start, bytes; };

// The arena and its cells; buffers by address, for messages alone.
Address arena;
Cell *shadow;
Address next = SHARED_REGION + GUARD;
int buffers;
std::vector<Range> ranges;
Cell staticShadow[MOST_STATIC / GRAIN + 16];
Address staticStart, staticBytes, imageStart, imageEnd, validShared;

// The launch, the block and the thread that runs.
void (*entry)(void **);
void **arguments;
std::vector<Address> pointers;
Index grid, block;
int threads;
uint32_t now = 1, launchStart, blockFirst, blockSince;
std::vector<std::pair<uint32_t, uint32_t>> blockStarts;
Fiber fibers[MOST_THREADS];
Warp warps[MOST_THREADS / WARP];
#ifdef __x86_64__
void *scheduler;
#else
ucontext_t scheduler;
#endif
char *stacks;
int ready[MOST_THREADS], readyCount;
int me, exited, atBarrier;
void *barrierSite;
uint64_t randomState;
bool failed;
char *message;
long messageBytes;
Address failedAt;

unsigned pick(unsigned count) {
    randomState ^= randomState << 13;
    randomState ^= randomState >> 7;
    randomState ^= randomState << 17;
    return unsigned((randomState >> 32) * count >> 32);
}

#ifdef __x86_64__
extern "C" __attribute__((visibility("hidden"))) void lab_switch(void **from, void *to);
asm(R"(
.text
.hidden lab_switch
.globl lab_switch
.type lab_switch, @function
lab_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
void toScheduler() { lab_switch(&fibers[me].context, scheduler); }
void toFiber(int fiber) { lab_switch(&scheduler, fibers[fiber].context); }
void begin(int fiber, char *top, void (*body)()) {
    // What lab_switch pops: six registers, then the address to return to, where the stack is as after a call.
    void **stack = reinterpret_cast<void **>(top - 16);
    *stack = reinterpret_cast<void *>(body);
    for (int i = 1; i <= 6; i++) stack[-i] = nullptr;
    fibers[fiber].context = stack - 6;
}
#else
void toScheduler() { swapcontext(&fibers[me].context, &scheduler); }
void toFiber(int fiber) { swapcontext(&scheduler, &fibers[fiber].context); }
void begin(int fiber, char *top, void (*body)()) {
    getcontext(&fibers[fiber].context);
    fibers[fiber].context.uc_stack.ss_sp = top - STACK + STACK_GUARD;
    fibers[fiber].context.uc_stack.ss_size = STACK - STACK_GUARD;
    makecontext(&fibers[fiber].context, body, 0);
}
#endif

void say(const char *format, ...) {
    long used = long(strlen(message));
    va_list values;
    va_start(values, format);
    vsnprintf(message + used, size_t(messageBytes - used), format, values);
    va_end(values);
}

Index place(uint32_t linear) {
    return {linear % grid.x, linear / grid.x % grid.y, linear / grid.x / grid.y};
}

void sayThread(int thread, Index where) {
    say("thread %d of block (%u, %u, %u)", thread, where.x, where.y, where.z);
}

void sayPlace(Address address) {
    if (address - arena < SHARED_REGION) {
        say("dynamic shared memory + %lu", address - arena);
        return;
    }
    if (address - staticStart < staticBytes) {
        say("static shared memory + %lu", address - staticStart);
        return;
    }
    for (const Range &range : ranges) {
        if (address + GUARD / 2 >= range.start && address < range.start + range.bytes + GUARD / 2) {
            for (size_t i = 0; i < pointers.size(); i++) {
                if (pointers[i] == range.start) say("argument %zu, ", i);
            }
            say("a buffer of %lu bytes, + %ld", range.bytes, long(address - range.start));
            return;
        }
    }
    say("the address 0x%lx, in no buffer", address);
}

// Ends the launch: the fiber that failed is never run again.
[[noreturn]] void leave(const void *pc) {
    failed = true;
    failedAt = Address(pc) - imageStart;
    toScheduler();
    abort();
}

void sayAccess(bool write, Address address, size_t bytes) {
    sayThread(me, block);
    say(write ? " writes %zu bytes of " : " reads %zu bytes of ", bytes);
    sayPlace(address);
}

[[noreturn]] __attribute__((noinline)) void
fault(bool write, Address address, size_t bytes, const void *pc, const char *why) {
    sayAccess(write, address, bytes);
    say(": %s", why);
    leave(pc);
}

[[noreturn]] __attribute__((noinline)) void
race(bool write, Address address, size_t bytes, const void *pc, uint32_t when, int thread, const char *did) {
    uint32_t other = 0;
    for (const auto &start : blockStarts) {
        if (start.first <= when) other = start.second;
    }
    sayAccess(write, address, bytes);
    say(": a race, ");
    if (thread == MANY) say("several threads");
    else sayThread(thread, place(other));
    say(" %s it and nothing orders the two", did);
    leave(pc);
}

// Whether an access at the time given, no older than the horizon counts, is unordered with one that is made now.
inline bool unordered(uint32_t when, uint16_t thread, uint32_t horizon) {
    if (when < horizon) return false;
    if (when < blockFirst) return true;
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
    if (address - stack < STACK || (!write && address >= imageStart && address < imageEnd)) return nullptr;
    fault(write, address, bytes, pc, "out of bounds");
}

template <bool WRITE, bool ATOMICALLY = false>
inline void access(Address address, size_t bytes, const void *pc) {
    uint32_t horizon;
    Cell *cell = locate(WRITE, address, bytes, pc, horizon);
    if (cell == nullptr) return;
    bool shared = horizon == blockFirst;
    for (Cell *end = cell + (address % GRAIN + bytes + GRAIN - 1) / GRAIN; cell < end; cell++) {
        if (!(cell->flags & VALID)) fault(WRITE, address, bytes, pc, "out of bounds");
        if (cell->flags & PENDING) fault(WRITE, address, bytes, pc, "a cp.async to it has not been waited for");
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

void tick() {
    if (++now == 0) {
        fprintf(stderr, "the shim's clock has run out\n");
        abort();
    }
}

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
        tick();
        warp.since = now;
    }
    return true;
}

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
    if ((meeting == MMA || meeting == LDMATRIX) && warp.alive < WARP) {
        sayThread(me, block);
        say(" comes to %s in a warp of which only %d threads are left: expected all 32", MEETINGS[meeting], warp.alive);
        leave(pc);
    }
    for (int i = warpStart(); i < warpEnd(); i++) {
        Meeting other = fibers[i].waits;
        if (other != NONE && other != EXITED && other != BARRIER && other != meeting) {
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

void run() {
    entry(arguments);
    Warp &warp = warps[me / WARP];
    exited++;
    if (atBarrier > 0) {
        sayThread(me, block);
        say(" has ended without coming to the __syncthreads at which %d threads wait", atBarrier);
        leave(barrierSite);
    }
    warp.alive--;
    // The lanes that wait were only waiting for this one, which CUDA does not count any more.
    for (int i = warpStart(); i < warpEnd() && warp.arrived > 0; i++) {
        Meeting meeting = fibers[i].waits;
        if (meeting != NONE && meeting != EXITED && meeting != BARRIER) {
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
    // Marked anew, as a copy that no thread waited for may be pending since the last block.
    mark(shadow, validShared, VALID);
    mark(staticShadow, staticBytes, VALID);
    memset(reinterpret_cast<void *>(arena), 0xff, validShared);
    if (staticBytes > 0) memset(reinterpret_cast<void *>(staticStart), 0xff, staticBytes);
    for (int i = 0; i < threads; i += WARP) {
        warps[i / WARP] = {threads - i < WARP ? threads - i : WARP, 0, 0, {0, 0}, now};
    }
    for (int i = 0; i < threads; i++) {
        begin(i, stacks + Address(i + 1) * STACK, run);
        fibers[i].waits = NONE;
        fibers[i].copies.clear();
        fibers[i].groups = 0;
        ready[i] = i;
    }
    readyCount = threads;
    while (readyCount > 0 && !failed) {
        unsigned chosen = pick(unsigned(readyCount));
        me = ready[chosen];
        ready[chosen] = ready[--readyCount];
        toFiber(me);
    }
    if (!failed && exited < threads) deadlock();
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
    for (int i = 0; i < MOST_THREADS; i++) mprotect(stacks + Address(i) * STACK, STACK_GUARD, PROT_NONE);
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

bool inShared(Address address) {
    return address - arena < SHARED_REGION || address - staticStart < staticBytes;
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
