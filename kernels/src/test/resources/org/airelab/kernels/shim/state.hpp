// What the shim knows of the launch, the block and its threads.
#pragma once
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <utility>
#include <vector>
#ifndef __x86_64__
#include <ucontext.h>
#endif

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

enum Meeting { NONE, BARRIER, SYNCWARP, SHUFFLE, BALLOT, MMA, LDMATRIX, WGMMA_WAIT, WGMMA, MBARRIER, NAMED, EXITED };
const char *const MEETINGS[] = {"nothing", "__syncthreads", "__syncwarp", "a shuffle", "a vote", "mma", "ldmatrix",
                                "wgmma.wait_group", "wgmma", "an mbarrier", "a named barrier", "their end"};

union Payload {
    uint64_t word;
    struct { unsigned a[4], b[2]; float d[4]; } mma;
    struct { const char *row; unsigned r[4]; } ldmatrix;
};

// What is known to have happened: of each thread, and of the copies that each mbarrier counts, all until that time.
const int MOST_MBARRIERS = 64, CLOCKS = MOST_THREADS + MOST_MBARRIERS;
typedef uint32_t Clock[CLOCKS];

// Hopper's products: what a warp group was asked for, and registers that one under way reads or writes.
struct Product {
    int bfloat, columns, accumulate, aMnMajor, bMnMajor;
    uint64_t a, b;
    float *d;
    const unsigned *registers;
};
struct InUse {
    Address start, bytes;
    int group;
    bool written;
};

// A plain copy to global memory, or an addition, under way; when it is over is told by its group.
struct BulkCopy {
    Address shared, bytes, global;
    int group;
    bool read;
};

// What a thread of a block that ran before did, from the block's beginning until the time given.
struct Earlier {
    uint32_t first, until;
    uint16_t thread;
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
    // The barrier it waits at; the time of its last fence.proxy.async; its copies to global memory not waited for.
    int barrier;
    uint32_t proxyFence;
    std::vector<std::pair<Address, Address>> stores;
    std::vector<BulkCopy> bulkCopies;
    int bulkGroups;
    // What it knows of blocks before, by turns that they passed on.
    std::vector<Earlier> earlier;
    Product product;
    std::vector<InUse> inUse;
    int products;
    uint32_t fences, firstFence;
};

// Pieces of 16 bytes of shared memory that a product under way reads.
struct Operands {
    int group;
    std::vector<uint32_t> pieces;
};

struct Warp {
    int alive, arrived, parity;
    unsigned lanes[2];
    uint32_t since;
    std::vector<Operands> operands;
};

struct Range { Address start, bytes; };

// A word in global memory by which a block passes on to a later one what it has done.
struct Turn {
    Address word;
    std::vector<Earlier> earlier;
};

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
std::vector<Turn> turns;
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

// Whether there have been barriers that only some threads come to; their order is then in the clocks, too.
bool partial;
Clock clocks[MOST_THREADS];

// Whether the block has come to a wgmma.fence. Of each word of the stacks, how many wgmma.fence its thread had
// executed, and one, when it touched it last. Of each 16 bytes of dynamic shared memory, until when a warp's products
// or copies read it.
bool multiplied;
uint32_t *touched;
const uint32_t STILL = UINT32_MAX;
uint32_t readUntil[MOST_DYNAMIC / 16][MOST_THREADS / WARP];

unsigned pick(unsigned count) {
    randomState ^= randomState << 13;
    randomState ^= randomState >> 7;
    randomState ^= randomState << 17;
    return unsigned((randomState >> 32) * count >> 32);
}

void tick() {
    if (++now == 0) {
        fprintf(stderr, "the shim's clock has run out\n");
        abort();
    }
}

} // namespace
