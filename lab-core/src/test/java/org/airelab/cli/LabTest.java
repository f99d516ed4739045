package org.airelab.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.kernels.cuda.MissingCudaException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Exit codes and messages, of commands made for it. */
class LabTest {
    /** What came of a command line. */
    record Result(int exitCode, String out, String err) {
        List<String> errorLines() {
            return err.lines().toList();
        }
    }

    static Result run(List<LabCommand> commands, String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int exitCode = Lab.run(new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, false, StandardCharsets.UTF_8), () -> commands, arguments);
        return new Result(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static Result run(Callable<Integer> work, String... arguments) {
        return run(List.of(new Work(work), new Group()), arguments);
    }

    @Command(name = "work", description = "Do the test's work.", footer = "  lab work --steps 3")
    static final class Work implements LabCommand {
        enum Precision { fp32, bf16 }

        private final Callable<Integer> work;

        @Option(names = "--steps")
        private int steps;

        @Option(names = "--precision")
        private Precision precision;

        Work(Callable<Integer> work) {
            this.work = work;
        }

        @Override
        public CommandGroup group() {
            return CommandGroup.TRAIN;
        }

        @Override
        public Integer call() throws Exception {
            return work.call();
        }
    }

    @Command(name = "group", description = "Holds commands.", subcommands = Leaf.class,
            footer = "  lab group leaf FILE")
    static final class Group implements LabCommand {
        @Override
        public CommandGroup group() {
            return CommandGroup.DATA;
        }
    }

    @Command(name = "leaf", description = "Prints a file's name.", footer = "  lab group leaf FILE")
    static final class Leaf implements Callable<Integer> {
        @Parameters(paramLabel = "FILE")
        private Path file;

        @Override
        public Integer call() {
            return file.toString().length();
        }
    }

    @Test
    void theCommandsResultIsTheExitCode() {
        assertEquals(new Result(0, "", ""), run(() -> 0, "work"));
        assertEquals(new Result(1, "", ""), run(() -> 1, "work"));
        assertEquals(4, run(() -> 0, "group", "leaf", "file").exitCode());
    }

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(UserError.failed("it diverged", "Lower the rate."), 1, "it diverged", "Lower the rate."),
                Arguments.of(UserError.badInput("bad", "Mend it."), 2, "bad", "Mend it."),
                Arguments.of(UserError.machine("no GPU", "Use another."), 3, "no GPU", "Use another."),
                Arguments.of(new CompletionException(new ExecutionException(UserError.badInput("bad", "Mend it."))), 2,
                        "bad", "Mend it."),
                Arguments.of(new OutOfMemoryError("Java heap space"), 3, "Java heap space", "LAB_JAVA_OPTS=-Xmx"),
                Arguments.of(new EngineException("a kernel written in Java failed: CUDA_ERROR_OUT_OF_MEMORY (2) in"
                        + " cuMemAlloc of 64 bytes on device 0 (NVIDIA H100): the device has too little free memory"),
                        3, "the GPU's memory is full: there was no room for another 64 bytes", "smaller batch"),
                Arguments.of(new MissingCudaException("no driver", "Install it."), 3, "no driver", "Install it."),
                Arguments.of(new IOException("No space left on device"), 3, "the disk is full", "Free some space"),
                Arguments.of(new java.io.UncheckedIOException(new IOException("Read-only file system")), 3,
                        "Read-only", "Write elsewhere."),
                Arguments.of(new NoSuchFileException("a/b.txt"), 2, "no such file or folder: a/b.txt", "path"),
                Arguments.of(new AccessDeniedException("/x"), 2, "permission denied: /x", "permissions"),
                Arguments.of(new java.nio.file.InvalidPathException("a\0b", "Nul character not allowed"), 2,
                        "is not a path", "Check the path"),
                Arguments.of(new IOException("Connection reset"), 3, "Connection reset", "--verbose"),
                Arguments.of(new IllegalArgumentException("expected 3 dimensions, found 2"), 70,
                        "unexpected IllegalArgumentException: expected 3 dimensions, found 2 (LabTest.java:",
                        "--verbose"),
                Arguments.of(new StackOverflowError(), 70, "unexpected StackOverflowError", "--verbose"));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void failuresAreTwoLinesAndAnExitCode(Throwable failure, int exitCode, String message, String advice) {
        Result result = run(() -> sneak(failure), "work");
        assertEquals(exitCode, result.exitCode(), result.err());
        assertEquals("", result.out());
        assertEquals(2, result.errorLines().size(), result.err());
        assertTrue(result.errorLines().get(0).startsWith("error: "), result.err());
        assertTrue(result.errorLines().get(0).contains(message), result.err());
        assertTrue(result.errorLines().get(1).startsWith("  "), result.err());
        assertTrue(result.errorLines().get(1).contains(advice), result.err());
    }

    @ParameterizedTest
    @MethodSource("failures")
    void verboseAddsTheStackTrace(Throwable failure, int exitCode) {
        Result result = run(() -> sneak(failure), "work", "--verbose");
        assertEquals(exitCode, result.exitCode());
        assertTrue(result.err().contains("at org.airelab.cli.LabTest"), result.err());
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> int sneak(Throwable failure) throws T {
        throw (T) failure;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "wrok                   | lab has no command wrok, only help, work, group | Did you mean work? See lab --help.",
        "xyz                    | lab has no command xyz, only help, work, group  | See lab --help.",
        "work --stepz 3         | lab work has no option --stepz          | Did you mean --steps? See lab work --help.",
        "work --stepz=3         | lab work has no option --stepz          | Did you mean --steps? See lab work --help.",
        "work more              | lab work takes no further argument, but 'more' was given | See lab work --help.",
        "work --steps three     | expected --steps to be a whole number, found three | See lab work --help.",
        "work --steps 9999999999 | expected --steps to be a whole number from -2147483648 to 2147483647, found "
                + "9999999999 | See lab work --help.",
        "work --steps           | --steps                                  | See lab work --help.",
        "work --precision fp8   | expected --precision to be fp32 or bf16, found fp8 | See lab work --help.",
        "group                  | lab group needs one of its commands: leaf | See lab group --help.",
        "group laef x           | lab group has no command laef, only leaf | Did you mean leaf? See lab group --help.",
        "group leaf             | missing required parameter: 'FILE'       | See lab group leaf --help.",
        "group leaf --hepl | lab group leaf has no option --hepl | Did you mean --help? See lab group leaf --help."})
    void wrongUsageIsExplained(String line, String message, String advice) {
        Result result = run(() -> 0, line.split(" "));
        assertEquals(2, result.exitCode(), result.err());
        assertEquals("", result.out());
        assertEquals(2, result.errorLines().size(), result.err());
        assertTrue(result.errorLines().get(0).contains(message), result.err());
        assertEquals("  " + advice, result.errorLines().get(1));
    }

    @Test
    void anEmptyPathIsNotTheWorkingFolder() {
        Result result = run(() -> 0, "group", "leaf", "");
        assertEquals(2, result.exitCode(), result.err());
        assertEquals("error: expected FILE to be a path, found ''", result.errorLines().getFirst());
    }

    @Test
    void aloneItPrintsTheHelp() {
        Result alone = run(() -> 0);
        assertEquals(0, alone.exitCode());
        assertEquals(run(() -> 0, "--help").out(), alone.out());
        assertTrue(alone.out().indexOf("Train") < alone.out().indexOf("Text and tokens"), alone.out());
        assertTrue(alone.out().contains(String.format("  work   Do the test's work.%n         lab work --steps 3%n")),
                alone.out());
        assertFalse(alone.out().contains(CommandGroup.KERNELS.heading()), "a heading without a command");
    }

    @Test
    void everyCommandHasHelpAndVerbose() {
        Result help = run(() -> 0, "group", "leaf", "-h");
        assertEquals(0, help.exitCode());
        assertTrue(help.out().contains("--verbose"), help.out());
        assertTrue(help.out().contains(String.format("Examples:%n  lab group leaf FILE")), help.out());
    }

    @Test
    void theVersionIsTheBuilds() {
        Result result = run(() -> 0, "--version");
        assertEquals(0, result.exitCode());
        assertTrue(result.out().matches("(?s)lab \\d+\\.\\d+\\.\\d+\\S*\\RJava \\d+.*"), result.out());
    }

    @Test
    void aClosedPipeEndsQuietly() {
        Result result = runInto(new Refusing("Broken pipe"));
        assertEquals(new Result(141, "", ""), result);
    }

    @Test
    void aCommandThatCannotBeLoadedIsAFaultOfTheLab() {
        var err = new ByteArrayOutputStream();
        int exitCode = Lab.run(System.out, new PrintStream(err, false, StandardCharsets.UTF_8), () -> {
            throw new ServiceConfigurationError("no such class");
        }, "x");
        assertEquals(Failure.BUG, exitCode);
        assertTrue(err.toString(StandardCharsets.UTF_8).startsWith("error: unexpected ServiceConfigurationError"));
    }

    @Test
    void aFullDiskUnderStandardOutputIsSaid() {
        Result result = runInto(new Refusing("No space left on device"));
        assertEquals(3, result.exitCode());
        assertTrue(result.err().startsWith("error: the disk is full"), result.err());
    }

    private static Result runInto(OutputStream standardOutput) {
        var err = new ByteArrayOutputStream();
        PrintStream out = StandardStreams.checked(standardOutput);
        int help = Lab.run(out, new PrintStream(err, false, StandardCharsets.UTF_8),
                () -> List.of(new Work(() -> 0)), "--help");
        return new Result(help, "", err.toString(StandardCharsets.UTF_8));
    }

    /** Standard output that can take nothing. */
    private static final class Refusing extends OutputStream {
        private final String reason;

        Refusing(String reason) {
            this.reason = reason;
        }

        @Override
        public void write(int value) throws IOException {
            throw new IOException(reason);
        }
    }
}
