// A fiber a thread, switched by hand on x86-64, by ucontext elsewhere.
#pragma once
#include "state.hpp"

namespace {

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

} // namespace
