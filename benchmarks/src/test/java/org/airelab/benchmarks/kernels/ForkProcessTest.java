package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.ToolProvider;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** JVMs that do other things than measure. */
class ForkProcessTest {
    private static final Task TASK = new Task(false, List.of(), false, 1, false, Schedule.QUICK);

    @TempDir
    private Path folder;

    /** A fork whose main method has that body. */
    private ForkProcess fork(String body) throws IOException {
        Path source = Files.writeString(folder.resolve("BenchmarkFork.java"),
                "package org.airelab.benchmarks.kernels;\n"
                + "public class BenchmarkFork { public static void main(String[] a) throws Exception { " + body
                + " } }\n");
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "-proc:none", "-d",
                folder.toString(), source.toString()));
        return new ForkProcess(TASK, new Build(folder.toString(), Build.own().source()));
    }

    @Test
    void whyItEndedIsSaidAndNotWhere() throws IOException {
        try (ForkProcess fork = fork("""
                System.err.println("error: the first");
                System.err.println("progress");
                throw new IllegalStateException("b".repeat(1000), new IllegalArgumentException("no such rung"));""")) {
            String message = assertThrows(IllegalStateException.class, fork::event).getMessage();
            assertTrue(message.startsWith("the JVM that measures ended with exit code 1: error: the first; Exception in"
                    + " thread \"main\" java.lang.IllegalStateException: bbb"), message);
            assertTrue(message.endsWith("bbb...; Caused by: java.lang.IllegalArgumentException: no such rung"),
                    message);
            assertTrue(message.length() < 500, message);
        }
    }

    @Test
    void aSignalIsNamed() throws IOException {
        try (ForkProcess fork = fork("System.exit(137);")) {
            UserError error = assertThrows(UserError.class, () -> fork.listen(event -> { }));
            assertEquals(UserError.MACHINE, error.exitCode());
            assertEquals("the JVM that measures was ended by signal 9 (SIGKILL), perhaps for want of memory",
                    error.getMessage());
        }
    }

    @Test
    void whatIsNoEventIsLeftOut() throws IOException {
        try (ForkProcess fork = fork("""
                System.out.println("a library's greeting");
                System.out.println("{\\"item\\": 3, \\"kind\\": \\"WARM\\"}\\n\\nnoise");
                System.out.println("{\\"item\\": 4, \\"kind\\": \\"WARM\\"}");
                System.out.println("its farewell");""")) {
            assertEquals(3, fork.event().item());
            List<Integer> items = new ArrayList<>();
            fork.listen(event -> items.add(event.item()));
            assertEquals(List.of(4), items);
        }
    }

    @Test
    void aClosedOneHasEnded() throws IOException {
        ForkProcess fork = fork("System.out.println(\"{\\\"item\\\": 0, \\\"kind\\\": \\\"WARM\\\"}\");"
                + " Thread.sleep(600_000);");
        fork.event();
        List<ProcessHandle> children = ProcessHandle.current().children().toList();
        assertFalse(children.isEmpty());
        fork.close();
        assertTrue(children.stream().noneMatch(ProcessHandle::isAlive));
    }
}
