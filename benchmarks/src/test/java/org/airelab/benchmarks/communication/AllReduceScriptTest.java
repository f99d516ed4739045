package org.airelab.benchmarks.communication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** benchmarks/communication/all-reduce.sh with programs that only print what real ones would. */
class AllReduceScriptTest {
    /** Twice as slow in the second round, as all others are. */
    private static final String TIMES = "n=$(cat \"$0.calls\" 2> /dev/null || echo 0);"
            + " echo $((n + 1)) > \"$0.calls\"; ";
    private static final String LAB = TIMES + "[ \"$1\" = comm-bench ] || exit 0; f=$(((n + 1) / 2)); memory=0;"
            + " case \"$*\" in *'--memory own'*) memory=3000 ;; esac; cat << END\nshm, 2 ranks\n\n"
            + "collective  bytes  time us\nall-reduce  1000  $((f * (6000 + memory)))  1 to 2\n"
            + "rewrite  1000  $((f * 5000 + memory))  1 to 2\ncopy  1000  $((f * 7000))  1 to 2\nEND";
    private static final String MPIRUN = TIMES + "echo \"{\\\"name\\\": \\\"Open MPI\\\", \\\"microseconds\\\":"
            + " $(((n + 1) * 12000)).0, \\\"least\\\": 1.0}\"";
    private static final String PYTHON = "[ \"$1\" != -c ] || exit 0; " + TIMES
            + "echo \"{\\\"microseconds\\\": $(((n + 1) * 30000)).0}\"";

    @TempDir
    private Path folder;
    private String output;

    private Path program(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/usr/bin/env bash\n" + text + "\n");
        assertTrue(file.toFile().setExecutable(true));
        return file;
    }

    private int run(String lab, String python) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("bash", "communication/all-reduce.sh", "2")
                .redirectErrorStream(true);
        builder.environment().put("LAB", program("lab", lab).toString());
        builder.environment().put("PYTHON", program("python", python).toString());
        program("mpirun", MPIRUN);
        builder.environment().merge("PATH", folder + ":", (old, mine) -> mine + old);
        Process process = builder.start();
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    private void row(String row) {
        assertTrue(output.contains("| " + row + " |\n"), output);
    }

    /** Medians of two rounds, ratios within rounds; the bound is the least that a round has found. */
    @Test
    void table() throws Exception {
        assertEquals(0, run(LAB, PYTHON), output);
        row("shm | 9.00 | 1.20 (1.20 to 1.20) | 1.00 (1.00 to 1.00)");
        row("memory bound | 7.50 | 1.00 (1.00 to 1.00) | 0.83 (0.83 to 0.83)");
        row("shm, memory of any kind | 13.50 | 1.80 (1.80 to 1.80) | 1.50 (1.50 to 1.50)");
        row("Open MPI | 18.00 | 2.40 (2.40 to 2.40) | 2.00 (2.00 to 2.00)");
        row("gloo | 45.00 | 6.00 (6.00 to 6.00) | 5.00 (5.00 to 5.00)");
        assertTrue(output.contains("round 2: gloo 60.00 ms\n"), output);
    }

    @Test
    void whatIsMissingIsLeftOutAloud() throws Exception {
        assertEquals(0, run(LAB, "exit 1"), output);
        assertTrue(output.contains("Open MPI is not measured") && output.contains("gloo is not measured"), output);
        assertFalse(output.contains("| gloo"), output);
    }

    @Test
    void whatFailsIsShown() throws Exception {
        assertEquals(1, run("[ \"$1\" != comm-bench ] || { echo 'error: no luck' >&2; exit 3; }", PYTHON), output);
        assertTrue(output.contains("error: no luck"), output);
    }
}
