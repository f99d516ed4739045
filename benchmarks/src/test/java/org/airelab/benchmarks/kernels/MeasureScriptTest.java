package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** benchmarks/gpu/measure.sh with a launcher that notes what it is asked for. */
class MeasureScriptTest {
    @TempDir
    private Path folder;

    /** Runs the script; {@code selftest} is what the launcher's selftest ends with. */
    private int run(int selftest, String... arguments) throws IOException, InterruptedException {
        Path lab = Files.writeString(folder.resolve("lab"), "#!/usr/bin/env bash\necho \"$*\" >> \"$CALLS\"\n"
                + "echo \"output of $1\"\n[ \"$1\" = doctor ] && exit 3\n[ \"$1\" != selftest ] || exit " + selftest);
        assertTrue(lab.toFile().setExecutable(true));
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(Stream.of("bash", "gpu/measure.sh"),
                Stream.of(arguments)).toList()).redirectErrorStream(true);
        builder.environment().put("LAB", lab.toString());
        builder.environment().put("REPORTS", folder.resolve("reports").toString());
        builder.environment().put("CALLS", folder.resolve("calls").toString());
        Process process = builder.start();
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(folder.resolve("calls"));
    }

    private Path reports() throws IOException {
        try (Stream<Path> found = Files.list(folder.resolve("reports"))) {
            return found.findFirst().orElseThrow();
        }
    }

    @Test
    void aHostIsExaminedTestedAndMeasured() throws IOException, InterruptedException {
        assertEquals(0, run(0, "--quick", "softmax", "--shape", "^8192x", "matmul"));
        assertEquals(List.of("doctor", "selftest --device cuda softmax matmul",
                "bench --device cuda --quick --shape ^8192x softmax matmul --out " + reports().resolve("report.json")),
                calls());
        assertEquals("output of selftest\n", Files.readString(reports().resolve("selftest.txt")));
        assertEquals("output of doctor\n", Files.readString(reports().resolve("doctor.txt")));
    }

    @Test
    void aWrongKernelIsToldInTheEnd() throws IOException, InterruptedException {
        assertEquals(1, run(1));
        assertEquals(3, calls().size());
    }

    @Test
    void whereNothingRunsNothingIsMeasured() throws IOException, InterruptedException {
        assertEquals(3, run(3));
        assertEquals(List.of("doctor", "selftest --device cuda"), calls());
    }
}
