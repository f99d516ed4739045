package org.airelab.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParallelTest {
    @AfterEach
    void restore() {
        Parallel.unsetThreads();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 7, 1000})
    void everyTaskRunsOnce(int tasks) {
        for (var count = 1; count <= 5; count++) {
            Parallel.setThreads(count);
            var runs = new AtomicIntegerArray(tasks + 1);
            Parallel.forRange(tasks, runs::incrementAndGet);
            for (var i = 0; i < tasks; i++) {
                assertEquals(1, runs.get(i), "task " + i + " with " + count + " threads");
            }
            assertEquals(0, runs.get(tasks));
        }
    }

    @Test
    void severalThreadsWork() {
        Parallel.setThreads(4);
        var meeting = new CountDownLatch(4);
        var names = ConcurrentHashMap.<Thread>newKeySet();
        Parallel.forRange(4, i -> {
            names.add(Thread.currentThread());
            meeting.countDown();
            awaitQuietly(meeting); // ends only if four threads are here at once
        });
        assertEquals(4, names.size());
    }

    @Test
    void oneCoreIsTheCallersAndCutsAsAll() {
        Parallel.setThreads(4);
        assertEquals(1, Cores.ONE.threads());
        assertEquals(4, Cores.ALL.threads());
        var caller = Thread.currentThread();
        var pieces = new ArrayList<List<Long>>();
        Cores.ONE.forPieces(3, 20, 8, (task, from, to) -> {
            assertSame(caller, Thread.currentThread());
            pieces.add(List.of((long) task, from, to));
        });
        assertEquals(List.of(List.of(0L, 3L, 11L), List.of(1L, 11L, 19L), List.of(2L, 19L, 20L)), pieces);
        var onAll = ConcurrentHashMap.<List<Long>>newKeySet();
        Cores.ALL.forPieces(3, 20, 8, (task, from, to) -> onAll.add(List.of((long) task, from, to)));
        assertEquals(Set.copyOf(pieces), onAll);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void nestedLoopsRunInline() {
        Parallel.setThreads(3);
        var total = new AtomicInteger();
        Parallel.forRange(6, i -> {
            var outer = Thread.currentThread();
            Parallel.forRange(5, j -> {
                assertSame(outer, Thread.currentThread());
                total.incrementAndGet();
            });
        });
        assertEquals(30, total.get());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void theExceptionOfATaskReachesTheCallerAndTheNextLoopWorks(int count) {
        Parallel.setThreads(count);
        var thrown = new IllegalStateException("task 7");
        var caught = assertThrows(IllegalStateException.class, () -> Parallel.forRange(100, i -> {
            if (i == 7) {
                throw thrown;
            }
        }));
        assertSame(thrown, caught);
        assertThrows(AssertionError.class, () -> Parallel.forRange(3, i -> {
            throw new AssertionError();
        }));
        everyTaskRunsOnce(50);
    }

    @Test
    void loopsOfSeveralCallersDoNotMix() throws InterruptedException {
        Parallel.setThreads(2);
        var sums = new int[4];
        var callers = IntStream.range(0, 4).mapToObj(caller -> Thread.ofPlatform().start(() -> {
            for (var round = 0; round < 200; round++) {
                var sum = new AtomicInteger();
                Parallel.forRange(20, sum::addAndGet);
                sums[caller] += sum.get();
            }
        })).toList();
        for (var caller : callers) {
            caller.join();
        }
        for (var sum : sums) {
            assertEquals(200 * 190, sum);
        }
    }

    @Test
    void interruptedCallersStillWaitAndStayInterrupted() {
        Parallel.setThreads(3);
        var runs = new AtomicInteger();
        Thread.currentThread().interrupt();
        Parallel.forRange(50, i -> runs.incrementAndGet());
        assertEquals(50, runs.get());
        assertTrue(Thread.interrupted());
    }

    @Test
    void openMpThreadsRunTasksAndHandBackExceptions() {
        assumeTrue(loadOpenMp(), "no libgomp.so.1 on this machine");
        var team = OpenMpTeam.find();
        var runs = new AtomicIntegerArray(1000);
        for (var round = 0; round < 3; round++) {
            var job = new Job(1000, runs::incrementAndGet);
            team.run(job, 3);
            job.rethrow();
        }
        assertTrue(IntStream.range(0, 1000).allMatch(i -> runs.get(i) == 3));
        var failing = new Job(10, i -> {
            throw new ArithmeticException("task " + i);
        });
        team.run(failing, 3);
        assertThrows(ArithmeticException.class, failing::rethrow);
    }

    @Test
    void openMpIsTakenOnceItIsLoaded() {
        assumeTrue(loadOpenMp(), "no libgomp.so.1 on this machine");
        assertTrue(Parallel.findOpenMp());
        everyTaskRunsOnce(1000);
        severalThreadsWork();
        nestedLoopsRunInline();
    }

    @Test
    void openMpsOwnNumberOfThreadsIsUsedUntilAnotherIsSet() throws Throwable {
        assumeTrue(loadOpenMp(), "no libgomp.so.1 on this machine");
        assertTrue(Parallel.findOpenMp());
        var openMp = SymbolLookup.libraryLookup("libgomp.so.1", Arena.global());
        var setNumber = Linker.nativeLinker().downcallHandle(openMp.find("omp_set_num_threads").orElseThrow(),
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
        Parallel.unsetThreads();
        var before = Parallel.threads();
        try {
            setNumber.invokeExact(before + 3);
            assertEquals(before + 3, Parallel.threads());
            Parallel.setThreads(2);
            assertEquals(2, Parallel.threads());
        } finally {
            setNumber.invokeExact(before);
        }
    }

    private static boolean loadOpenMp() {
        try {
            SymbolLookup.libraryLookup("libgomp.so.1", Arena.global());
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    @Test
    void threadCountsBelowOneAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Parallel.setThreads(0));
    }

    @Test
    void piecesRoundUp() {
        assertEquals(0, Parallel.pieces(0, 4));
        assertEquals(1, Parallel.pieces(4, 4));
        assertEquals(2, Parallel.pieces(5, 4));
    }
}
