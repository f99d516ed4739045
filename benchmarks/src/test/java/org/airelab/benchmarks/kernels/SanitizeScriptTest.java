package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.LaunchRecorder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** benchmarks/gpu/sanitize.sh with a launcher and a sanitizer that find what they are told to. */
class SanitizeScriptTest {
    @TempDir
    private Path folder;
    private String families = "softmax relu";

    private record Result(int exitCode, String out) {
    }

    private void program(String name, String text) throws IOException {
        Path program = Files.writeString(folder.resolve(name), "#!/usr/bin/env bash\n" + text);
        assertTrue(program.toFile().setExecutable(true));
    }

    /**
     * {@code found} is the family that racecheck finds something in, {@code wrong} the one selftest does. Where there
     * is a file named crash, the tool that takes it away crashes. The GPU has no kernel named wgmma.
     */
    private Result run(String found, String wrong, String... tools) throws IOException, InterruptedException {
        program("lab", "echo \"$*\" >> '" + folder.resolve("calls") + "'\n"
                + "[[ $* != *wgmma* ]] || { echo 'error: unknown kernel wgmma; known here are naive'; exit 2; }\n"
                + "[ \"$2\" != \"" + wrong + "\" ]\n");
        program("compute-sanitizer", "echo '========= COMPUTE-SANITIZER'\n"
                + "rm '" + folder.resolve("crash") + "' 2> /dev/null && kill -SEGV $$\n"
                + "tool=$2\nwhile [ \"$1\" != \"$LAB\" ]; do shift; done\n"
                + "\"$@\" || exit\n[ \"$tool/$3\" != \"racecheck/" + found + "\" ] && exit\n"
                + "echo '========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)'\nexit 99\n");
        return script(tools);
    }

    private Result script(String... arguments) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(
                Stream.of("bash", Path.of("gpu/sanitize.sh").toAbsolutePath().toString()), Stream.of(arguments))
                .toList()).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().put("LAB", folder.resolve("lab").toString());
        builder.environment().put("PATH", folder + File.pathSeparator + System.getenv("PATH"));
        builder.environment().put("FAMILIES", families);
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

    /** Where the shell could take a pattern for files', too; and a kernel that a GPU has not is no failure. */
    @Test
    void eachPartOfAFamilyIsRunAndNamed() throws IOException, InterruptedException {
        families = "matmul";
        Files.createFile(folder.resolve("^1"));
        List<String> parts = script("--list").out.lines().toList();
        Result result = run("", "", "racecheck");
        assertEquals(0, result.exitCode, result.out);
        assertEquals(parts.stream().map(part -> "selftest " + part + " --device cuda").sorted().toList(),
                Files.readAllLines(folder.resolve("calls")).stream().sorted().toList());
        for (String part : parts) {
            String verdict = part.contains("wgmma") ? "no such kernel on this GPU" : "clean";
            assertTrue(result.out.lines().anyMatch(line -> line.matches("racecheck  " + Pattern.quote(part)
                    + " +\\d+ s  " + verdict)), result.out);
        }
        try (Stream<Path> logs = Files.list(folder.resolve("logs"))) {
            assertEquals(parts.size(), logs.count());
        }
    }

    /** What selftest makes of the parts. */
    private List<Selection> parts() throws IOException, InterruptedException {
        families = "";
        List<Selection> parts = new ArrayList<>();
        for (String part : script("--list").out.lines().toList()) {
            CommandLine selftest = new CommandLine(new SelftestCommand());
            selftest.parseArgs(part.split(" "));
            Object options = selftest.getCommandSpec().mixins().get("selection").userObject();
            parts.add(((SelectionOptions) options).selection());
        }
        return parts;
    }

    /** A rung that is added to a family whose parts name theirs has to be added to one of them. */
    @Test
    void partsHaveEveryRungInEveryTypeOnce() throws IOException, InterruptedException {
        List<Task.Item> items = new ArrayList<>();
        for (Selection part : parts()) {
            part.choose(Selftest.cudaLadders(part.families(), 90)).forEach(ladder -> items.addAll(ladder.items()));
        }
        assertEquals(items.size(), Set.copyOf(items).size(), "some are tested twice");
        Set<Task.Item> missing = Selftest.cudaLadders(FamilyNames.parse(List.of()), 90).stream()
                .flatMap(ladder -> ladder.items().stream()).map(SanitizeScriptTest::rung).collect(Collectors.toSet());
        assertTrue(missing.removeAll(items.stream().map(SanitizeScriptTest::rung).toList()));
        assertEquals(Set.of(), missing);
    }

    /** A rung of a family in a type, whatever the operation and its shape. */
    private static Task.Item rung(Task.Item item) {
        return new Task.Item(item.workload().substring(0, item.workload().indexOf('/')), item.kernel(), item.dtype());
    }

    @ParameterizedTest
    @CsvSource({"80, 108", "90, 132", "100, 148"})
    void partsLaunchEverySourceThatSelftestDoes(int architecture, int multiprocessors)
            throws IOException, InterruptedException {
        LaunchRecorder launched = new LaunchRecorder(architecture, multiprocessors);
        for (Selection part : parts()) {
            part.left(Selftest.cudaLadders(part.families(), architecture))
                    .forEach(ladder -> launch(ladder.workload(), ladder, launched));
        }
        LaunchRecorder whole = new LaunchRecorder(architecture, multiprocessors);
        Selftest.cudaLadders(FamilyNames.parse(List.of()), architecture)
                .forEach(ladder -> launch(ladder.workload(), ladder, whole));
        Set<KernelSource> missing = new HashSet<>(whole.sources());
        assertTrue(missing.removeAll(launched.sources()));
        assertEquals(Set.of(), missing);
    }

    private static <R extends Rung> void launch(Workload<R> workload, Ladder ladder, LaunchRecorder recorder) {
        Workloads.family(workload).cudaRungs().stream().filter(rung -> ladder.kernels().contains(rung.name()))
                .forEach(rung -> KernelSources.record(workload, rung, ladder.dtype(), recorder));
    }
}
