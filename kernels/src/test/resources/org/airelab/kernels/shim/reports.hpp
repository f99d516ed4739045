// What is said of a fault, and the end of the launch that it brings.
#pragma once
#include "fibers.hpp"

namespace {

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
    else if (thread >= MOST_THREADS) say("a copy of TMA");
    else sayThread(thread, place(other));
    say(" %s it and nothing orders the two", did);
    leave(pc);
}

} // namespace
