package org.airelab.distributed.group;

import java.util.ArrayDeque;
import org.airelab.base.Threads;

/**
 * Tasks done one after another by a thread of their own, or by one that waits for them: waking another thread takes
 * tens of microseconds, a small collective a few.
 */
public final class Lane {
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private final Thread thread;
    private boolean running;
    private boolean closed;

    /** A lane whose thread starts at once, under a name. */
    public Lane(String name) {
        thread = Thread.ofPlatform().daemon().name(name).start(this::run);
    }

    /** Appends a task, which throws nothing and ends by telling {@code work}. */
    public synchronized Work add(PendingWork work, Runnable task) {
        waiting.add(task);
        notifyAll();
        return new Work() {
            @Override
            public void await() {
                help(work);
                work.await();
            }

            @Override
            public boolean done() {
                return work.done();
            }
        };
    }

    /** Does tasks here until the work is done, or the other thread is at it. */
    private void help(PendingWork work) {
        while (!work.done()) {
            Runnable task = takeNow();
            if (task == null) {
                return;
            }
            runTaken(task);
        }
    }

    private synchronized Runnable takeNow() {
        if (running || waiting.isEmpty()) {
            return null;
        }
        running = true;
        return waiting.remove();
    }

    private void runTaken(Runnable task) {
        try {
            task.run();
        } finally {
            synchronized (this) {
                running = false;
                notifyAll();
            }
        }
    }

    private void run() {
        for (Runnable task = take(); task != null; task = take()) {
            runTaken(task);
        }
    }

    /** The next task; null when there will be none. */
    private synchronized Runnable take() {
        while (running || waiting.isEmpty()) {
            if (closed && !running) {
                return null;
            }
            try {
                wait();
            } catch (InterruptedException e) {
                // Nobody has a reason to; the tasks are still to be done.
            }
        }
        return takeNow();
    }

    /** Waits until all tasks are done; there must be no more. */
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        Threads.join(thread);
    }
}
