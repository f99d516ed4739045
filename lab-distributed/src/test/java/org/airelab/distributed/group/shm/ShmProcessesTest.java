package org.airelab.distributed.group.shm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link ShmGroup} among processes, and what becomes of it when one of them is killed or stopped. */
class ShmProcessesTest {
    @TempDir
    private Path temporary;
    private Path folder;
    private final List<RankProcess> processes = new ArrayList<>();

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(temporary.resolve("shared"));
    }

    @AfterEach
    void endAll() {
        processes.forEach(RankProcess::close);
    }

    private RankProcess start(int rank, int size, String what) throws IOException {
        RankProcess process = RankProcess.start(folder, "run", rank, size, what);
        processes.add(process);
        return process;
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void everyCollective() throws Exception {
        for (int i = 2; i >= 0; i--) {
            start(i, 3, "check");
        }
        for (RankProcess process : processes) {
            assertTrue(process.end().endsWith("all well\n"), process.text());
        }
        assertEquals(List.of(), files());
    }

    @Test
    void killedInCollective() throws Exception {
        for (int i = 0; i < 3; i++) {
            start(i, 3, "loop");
        }
        for (RankProcess process : processes) {
            process.await("at work");
        }
        RankProcess killed = processes.get(1);
        killed.signal("KILL");
        String who = "error: rank 1 (process " + killed.process().pid() + ") has died while rank ";
        for (RankProcess process : List.of(processes.get(0), processes.get(2))) {
            assertTrue(process.end().contains(who), process.text());
            assertEquals(UserError.LOST, process.process().exitValue());
        }
        assertEquals(List.of(), files(), "left of the crash");
    }

    @Test
    void stoppedInCollective() throws Exception {
        for (int i = 0; i < 3; i++) {
            start(i, 3, "loop");
        }
        for (RankProcess process : processes) {
            process.await("at work");
        }
        RankProcess stopped = processes.get(2);
        stopped.signal("STOP");
        String who = "error: rank 2 (process " + stopped.process().pid() + ") has given no sign of life for 5 s";
        assertTrue(processes.get(0).end().contains(who), processes.get(0).text());
        assertTrue(processes.get(1).end().contains(who), processes.get(1).text());
        stopped.signal("CONT");
        assertTrue(stopped.end().contains(who), stopped.text());
    }

    /** What a start that was killed has left is not joined, but replaced. */
    @Test
    void staleFile() throws Exception {
        RankProcess killed = start(0, 2, "check");
        RankProcess.await(() -> Files.exists(folder.resolve("airelab-run")), "the file of rank 0");
        killed.signal("KILL");
        killed.end();
        assertEquals(List.of(folder.resolve("airelab-run")), files());
        RankProcess early = start(1, 2, "check");
        Thread.sleep(1000);
        assertTrue(early.process().isAlive(), early.text());
        RankProcess late = start(0, 2, "check");
        assertTrue(late.end().endsWith("all well\n"), late.text());
        assertTrue(early.end().endsWith("all well\n"), early.text());
        assertEquals(List.of(), files());
    }

    private boolean isPresent(int rank) {
        try (Arena arena = Arena.ofConfined()) {
            return SharedFile.open(List.of(folder), "airelab-run", arena)
                    .filter(file -> new Board(file.memory()).present(rank)).isPresent();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void killedWhileOthersStart() throws Exception {
        RankProcess first = start(0, 3, "check");
        RankProcess second = start(1, 3, "check");
        RankProcess.await(() -> isPresent(1), "rank 1 on the board");
        second.signal("KILL");
        String sentence = "error: rank 1 (process " + second.process().pid()
                + ") has died while the others were starting";
        assertTrue(first.end().contains(sentence), first.text());
        assertEquals(List.of(), files());
    }
}
