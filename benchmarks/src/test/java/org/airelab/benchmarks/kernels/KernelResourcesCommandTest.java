package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.airelab.kernels.cuda.KernelCompiler;
import org.airelab.kernels.cuda.MissingCudaException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class KernelResourcesCommandTest {
    private static boolean nvcc() {
        try {
            KernelCompiler.of(90, KernelCompiler.Kind.NVCC);
            return true;
        } catch (MissingCudaException e) {
            return false;
        }
    }

    /** The header says how it was made, and both sources are in the summary with a compilation for each type. */
    @Test
    void whatIsWrittenIsWhatIsPrinted(@TempDir Path folder) throws IOException {
        assumeTrue(nvcc(), "SKIPPED: there is no nvcc with a g++");
        Path file = folder.resolve("sums.md");
        StringWriter printed = new StringWriter();
        int status = new CommandLine(new KernelResourcesCommand())
                .setCaseInsensitiveEnumValuesAllowed(true).setOut(new PrintWriter(printed))
                .execute("gradient-sum", "--arch", "90", "--compiler", "nvcc", "--out", file.toString());
        assertEquals(0, status);
        String report = Files.readString(file);
        assertEquals(printed.toString(), report);
        assertTrue(report.contains("Made by `./lab gradient-sum --arch 90 --compiler nvcc --out " + file
                + "` with nvcc "), report);
        assertTrue(report.contains("| optimizer/gradient-sum-naive.cu | sm_90a | 3 | "), report);
        assertTrue(report.contains("| optimizer/gradient-sum-vectorized.cu | sm_90a | 3 | "), report);
    }
}
