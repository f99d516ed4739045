package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.airelab.base.UserError;
import org.airelab.tracking.SourceVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    private Path folder;

    private void build() throws IOException {
        build(folder);
    }

    /** Puts a build that speaks this one's protocol into a folder. */
    static void build(Path folder) throws IOException {
        Path app = Files.createDirectories(folder.resolve("app-1"));
        Files.writeString(folder.resolve("current"), "app-1\n");
        Files.createFile(app.resolve("kernels.jar"));
        Files.createFile(app.resolve("classes.aot"));
        try (InputStream own = BenchmarkFork.class.getResourceAsStream("protocol")) {
            protocol(folder, "protocol", own.readAllBytes());
        }
        Files.writeString(app.resolve("libraries"), "jmh-core.jar\npytorch-native-cpu-2.7.1.jar\n");
        Files.writeString(app.resolve("source-version"), "commit=" + COMMIT + "\ndirty=true\n");
    }

    /** The jar of benchmarks, with a resource beside the benchmarks' classes. */
    private static void protocol(Path folder, String name, byte[] content) throws IOException {
        try (ZipOutputStream jar = new ZipOutputStream(Files.newOutputStream(
                folder.resolve("app-1/benchmarks.jar")))) {
            jar.putNextEntry(new ZipEntry("org/airelab/benchmarks/kernels/" + name));
            jar.write(content);
        }
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

    @Test
    void oneThatSpeaksAnotherProtocolIsRefused() throws IOException {
        build();
        protocol(folder, "other", new byte[0]);
        UserError error = assertThrows(UserError.class, () -> Build.at(folder));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.getMessage().startsWith("the build in " + folder + " cannot take turns with this one: ")
                && error.getMessage().endsWith("found none"), error.getMessage());
        protocol(folder, "protocol", "999\n".getBytes(StandardCharsets.UTF_8));
        assertTrue(assertThrows(UserError.class, () -> Build.at(folder)).getMessage().endsWith("found 999"));
    }

    @Test
    void theRunningOneIsRefused(@TempDir Path other) throws IOException {
        build();
        Path link = Files.createSymbolicLink(other.resolve("link"), folder);
        System.setProperty("lab.app", folder.resolve("app-1").toString());
        try {
            UserError error = assertThrows(UserError.class, () -> Build.at(link));
            assertEquals(UserError.BAD_INPUT, error.exitCode());
            assertEquals("that is the build that runs now; copy it before a change", error.getMessage());
            System.setProperty("lab.app", other.toString());
            Build.at(link);
        } finally {
            System.clearProperty("lab.app");
        }
    }
}
