package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** benchmarks/gpu/sanitize.sh with a launcher and a sanitizer that find what they are told to. */
class SanitizeScriptTest {
    @TempDir
    private Path folder;

    private record Result(int exitCode, String out) {
    }

    private void program(String name, String text) throws IOException {
        Path program = Files.writeString(folder.resolve(name), "#!/usr/bin/env bash\n" + text);
        assertTrue(program.toFile().setExecutable(true));
    }

    /**
     * {@code found} is the family that racecheck finds something in, {@code wrong} the one selftest does. Where there
     * is a file named crash, the tool that takes it away crashes.
     */
    private Result run(String found, String wrong, String... tools) throws IOException, InterruptedException {
        program("lab", "[ \"$2\" != \"" + wrong + "\" ]\n");
        program("compute-sanitizer", "echo '========= COMPUTE-SANITIZER'\n"
                + "rm '" + folder.resolve("crash") + "' 2> /dev/null && kill -SEGV $$\n"
                + "tool=$2\nwhile [ \"$1\" != \"$LAB\" ]; do shift; done\n"
                + "\"$@\" || exit\n[ \"$tool/$3\" != \"racecheck/" + found + "\" ] && exit\n"
                + "echo '========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)'\nexit 99\n");
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(Stream.of("bash", "gpu/sanitize.sh"),
                Stream.of(tools)).toList()).redirectErrorStream(true);
        builder.environment().put("LAB", folder.resolve("lab").toString());
        builder.environment().put("PATH", folder + File.pathSeparator + System.getenv("PATH"));
        builder.environment().put("FAMILIES", "softmax relu");
        builder.environment().put("LOGS", folder.resolve("logs").toString());
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), out);
    }

    @Test
    void eachToolSeesEachFamily() throws IOException, InterruptedException {
        Result result = run("", "");
        assertEquals(0, result.exitCode, result.out);
        assertEquals(6, result.out.lines().filter(line -> line.endsWith("  clean")).count(), result.out);
        assertTrue(result.out.endsWith("nothing was found.\n"), result.out);
    }

    @Test
    void whatIsFoundIsTold() throws IOException, InterruptedException {
        Result result = run("softmax", "relu", "memcheck", "racecheck");
        assertEquals(1, result.exitCode, result.out);
        assertTrue(result.out.matches("(?s).*racecheck +softmax +\\d+ s  RACECHECK SUMMARY: 2 hazards.*"), result.out);
        assertTrue(result.out.matches("(?s).*memcheck +softmax +\\d+ s  clean.*"), result.out);
        assertTrue(result.out.matches("(?s).*memcheck +relu +\\d+ s  a kernel is WRONG.*"), result.out);
    }

    @Test
    void theToolsOwnCrashIsTriedAgain() throws IOException, InterruptedException {
        Files.createFile(folder.resolve("crash"));
        Result result = run("", "", "memcheck");
        assertEquals(0, result.exitCode, result.out);
        assertEquals(2, result.out.lines().filter(line -> line.endsWith("  clean")).count(), result.out);
        assertTrue(Files.notExists(folder.resolve("crash")), "the tool was not started");
    }
}
