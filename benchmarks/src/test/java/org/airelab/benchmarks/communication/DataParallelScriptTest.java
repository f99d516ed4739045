package org.airelab.benchmarks.communication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** benchmarks/communication/data-parallel.sh with a launcher that only writes what a run's metrics would be. */
class DataParallelScriptTest {
    /** A step takes 2 s of one rank, 1 s of two, 1.6 s of two naive ones and 0.8 s of half; the first two take 9 s. */
    private static final String LAB = """
            [ "$1" = pretrain ] || exit 1
            t=2.0 wait=
            case "$*" in
                *accumulation=2*accumulation=1*) t=0.8 ;;
                *naive*) t=1.6 wait=',"gradient_wait":0.25' ;;
                *'--nproc 2'*) t=1.0 wait=',"gradient_wait":3.0E-2' ;;
            esac
            [ -n "$wait" ] || [ "$OMP_NUM_THREADS" = 1 ] || exit 1
            while [ "$1" != --out ]; do shift; done
            mkdir -p "$2"
            for i in 1 2 3 4 5; do
                awk -v i="$i" -v t="$t" -v wait="$wait" 'BEGIN {
                    seconds = i < 3 ? 9 * i : 18 + (i - 2) * t
                    printf "{\\"step\\":%d,\\"seconds\\":%f,\\"train_loss\\":1.0%s}\\n", i, seconds, wait }'
            done > "$2/metrics.jsonl"
            echo '{"step":5,"seconds":99.0,"val_loss":1.0}' >> "$2/metrics.jsonl"
            """;

    @TempDir
    private Path folder;
    private String output;

    private int run(String lab) throws IOException, InterruptedException {
        Path program = Files.writeString(folder.resolve("lab"), "#!/usr/bin/env bash\n" + lab);
        assertTrue(program.toFile().setExecutable(true));
        ProcessBuilder builder = new ProcessBuilder("bash", "communication/data-parallel.sh", "2")
                .redirectErrorStream(true);
        builder.environment().put("LAB", program.toString());
        builder.environment().put("WARMUP", "2");
        Process process = builder.start();
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    @Test
    void table() throws Exception {
        assertEquals(0, run(LAB), output);
        for (String row : new String[] {"one rank, one core | 2.000 | 1.00 (1.00 to 1.00) | 0.0%",
            "two ranks | 1.000 | 2.00 (2.00 to 2.00) | 3.0%", "two ranks, naive | 1.600 | 1.25 (1.25 to 1.25) | 25.0%",
            "two runs of half the tokens | 0.800 | 2.50 (2.50 to 2.50) | 0.0%"}) {
            assertTrue(output.contains("| " + row + " |\n"), output);
        }
        assertTrue(output.contains("round 2: two ranks, naive 1.600 s a step, 25.0% of it waited for gradients\n"),
                output);
    }

    @Test
    void whatFailsIsShown() throws Exception {
        assertEquals(3, run("echo 'error: no luck' >&2; exit 3"), output);
        assertTrue(output.contains("error: no luck"), output);
    }
}
