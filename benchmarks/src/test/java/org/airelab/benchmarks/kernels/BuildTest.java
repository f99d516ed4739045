package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.tracking.SourceVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    private Path folder;

    private void build() throws IOException {
        Path app = Files.createDirectories(folder.resolve("app-1"));
        Files.writeString(folder.resolve("current"), "app-1\n");
        for (String file : new String[] {"kernels.jar", "benchmarks.jar", "classes.aot"}) {
            Files.createFile(app.resolve(file));
        }
        Files.writeString(app.resolve("libraries"), "jmh-core.jar\npytorch-native-cpu-2.7.1.jar\n");
        Files.writeString(app.resolve("source-version"), "commit=" + COMMIT + "\ndirty=true\n");
    }

    @Test
    void ofACopyOfTheLaunchersFolder() throws IOException {
        build();
        Build build = Build.at(folder);
        // With libtorch as the JVM that asks has it: these tests run on the CPU's.
        assertEquals(Stream.of("app-1/benchmarks.jar", "app-1/kernels.jar", "lib/jmh-core.jar",
                "lib/pytorch-native-cpu-2.7.1.jar").map(name -> folder.resolve(name).toString())
                .collect(Collectors.joining(":")), build.classPath());
        assertEquals(new SourceVersion(COMMIT, true), build.source());
    }

    @Test
    void whatIsMissingIsNamed() throws IOException {
        assertTrue(assertThrows(UserError.class, () -> Build.at(folder)).getMessage().contains("found no file "
                + folder.resolve("current")));
        build();
        Files.delete(folder.resolve("app-1/libraries"));
        UserError error = assertThrows(UserError.class, () -> Build.at(folder));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.getMessage().contains("found no file " + folder.resolve("app-1/libraries")),
                error.getMessage());
    }
}
