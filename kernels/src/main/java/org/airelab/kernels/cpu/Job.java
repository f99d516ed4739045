package org.airelab.kernels.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;

/** The tasks of one parallel loop: threads take the next one until none is left. */
final class Job {
    private final int tasks;
    private final IntConsumer task;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    Job(int tasks, IntConsumer task) {
        this.tasks = tasks;
        this.task = task;
    }

    int tasks() {
        return tasks;
    }

    /** One thread's share. Throws nothing: an exception that left an upcall would end the JVM. */
    void work() {
        try {
            for (int i; failure.get() == null && (i = next.getAndIncrement()) < tasks; ) {
                TaskCall.call(task, i);
            }
        } catch (Throwable t) {
            failure.compareAndSet(null, t);
        }
    }

    void rethrow() {
        if (failure.get() != null) {
            throw TaskCall.unchecked(failure.get());
        }
    }
}
