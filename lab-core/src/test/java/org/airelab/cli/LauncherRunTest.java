package org.airelab.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole launcher, in a checkout of its own with a Maven and a Java that only say how they were called. */
@Timeout(120)
class LauncherRunTest {
    /** Builds what the real Maven leaves behind, of the content of src/main/java/A.java. */
    private static final String MAVEN = """
            echo build >> "$CHECKOUT/builds"
            sleep "${MAVEN_SECONDS:-0}"
            [ ! -e "$CHECKOUT/broken" ] || { echo '[ERROR] A.java:[3,4] ; expected'; exit 1; }
            mkdir -p "$CHECKOUT/benchmarks/target" "$CHECKOUT/core/target"
            cp "$CHECKOUT/core/src/main/java/A.java" "$CHECKOUT/core/target/core-1.jar"
            echo top > "$CHECKOUT/benchmarks/target/benchmarks-1.jar"
            libraries=$CHECKOUT/repository/pytorch-native-cpu-2.jar:$CHECKOUT/repository/x-1.jar
            printf '%s' "$CHECKOUT/core/target/core-1.jar:$libraries" \\
                > "$CHECKOUT/benchmarks/target/runtime-classpath"
            """;
    /** Prints its arguments a line each, and makes the cache it is asked for. */
    private static final String JAVA = """
            for argument; do case $argument in -XX:AOTCacheOutput=*) touch "${argument#*=}" ;; esac; done
            printf '%s\\n' "$@"
            if [ "${!#}" = wait ]; then while [ ! -e "$CHECKOUT/go" ]; do sleep 0.05; done; fi
            """;

    @TempDir
    private Path folder;
    private Path checkout;
    private Path source;

    @BeforeEach
    void makeCheckout() throws IOException {
        checkout = Files.createDirectories(folder.toRealPath().resolve("check out"));
        Files.copy(Shell.launcher(), checkout.resolve("lab"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.writeString(checkout.resolve("pom.xml"),
                "<version>1</version>\n<lab.jvm.flags>-Dflag=1 -Dother=2</lab.jvm.flags>\n");
        source = checkout.resolve("core/src/main/java/A.java");
        Files.createDirectories(source.getParent());
        Files.writeString(source, "one");
        Files.createDirectories(checkout.resolve("repository"));
        Files.writeString(checkout.resolve("repository/x-1.jar"), "x");
        Files.writeString(checkout.resolve("repository/pytorch-native-cpu-2.jar"), "torch");
        Shell.script(folder.resolve("bin/mvn"), MAVEN);
        Shell.script(folder.resolve("jdk/bin/java"), JAVA);
        Shell.script(folder.resolve("jdk/bin/javac"), "");
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
        Shell.run("find '" + checkout + "' -exec touch -d '2020-01-01' {} +");
    }

    private Shell.Running start(Path script, Map<String, String> more, String... arguments) {
        var environment = new HashMap<>(Map.of("JAVA_HOME", folder.resolve("jdk").toString(),
                "PATH", folder.resolve("bin") + ":" + System.getenv("PATH"), "CHECKOUT", checkout.toString(),
                "LAB_JAVA_OPTS", "", "LAB_DEVICE", "cpu", "PYTORCH_LIBRARY_PATH", ""));
        environment.putAll(more);
        return Shell.start(environment, Stream.concat(Stream.of(script.toString()), Stream.of(arguments))
                .toArray(String[]::new));
    }

    private Shell.Result lab(String... arguments) {
        return start(checkout.resolve("lab"), Map.of(), arguments).end();
    }

    private long builds() throws IOException {
        try (Stream<String> lines = Files.lines(checkout.resolve("builds"))) {
            return lines.count();
        }
    }

    private Path classPathEntry(Shell.Result result, String name) {
        List<String> arguments = result.out().lines().toList();
        return Stream.of(arguments.get(arguments.indexOf("-cp") + 1).split(":")).map(Path::of)
                .filter(path -> path.getFileName().toString().equals(name)).findFirst().orElseThrow();
    }

    @Test
    void buildsOnceAndPassesEverythingOn() throws IOException {
        Shell.Result first = lab("work", "--text", "two words");
        assertEquals(0, first.exitCode(), first.err());
        assertTrue(first.err().startsWith("lab: building (the first time"), first.err());
        List<String> arguments = first.out().lines().toList();
        assertEquals(List.of("-Dflag=1", "-Dother=2"), arguments.subList(0, 2));
        assertEquals(List.of("org.airelab.cli.Lab", "work", "--text", "two words"),
                arguments.subList(arguments.size() - 4, arguments.size()));
        assertTrue(arguments.stream().anyMatch(argument -> argument.startsWith("-XX:AOTCache=")), first.out());
        assertTrue(arguments.contains("-Dlab.home=" + checkout), first.out());
        assertEquals("one", Files.readString(classPathEntry(first, "core-1.jar")));
        assertEquals("torch", Files.readString(classPathEntry(first, "pytorch-native-cpu-2.jar")));
        Shell.Result second = lab("work");
        assertEquals("", second.err());
        assertEquals(1, builds());
    }

    @Test
    void whatAnEarlierVersionLeftIsNotRun() throws IOException {
        Files.createDirectories(checkout.resolve("benchmarks/target"));
        Files.writeString(checkout.resolve("benchmarks/target/benchmarks-0.jar"), "old");
        Shell.Result result = lab("work");
        assertEquals(0, result.exitCode(), result.err());
        assertFalse(result.out().contains("benchmarks-0.jar"), result.out());
    }

    @Test
    void theCommitThatIsBuiltIsWrittenDown() throws IOException {
        Shell.Result first = lab("work");
        String app = first.out().lines().filter(line -> line.startsWith("-Dlab.app=")).findFirst().orElseThrow();
        Path version = Path.of(app.substring("-Dlab.app=".length()), "source-version");
        assertEquals("", Files.readString(version), "this is no checkout");
    }

    @Test
    void theCpuLibtorchIsLastAndLeftOutWhenAFolderIsGiven() {
        List<String> with = lab("work").out().lines().toList();
        assertTrue(with.get(with.indexOf("-cp") + 1).endsWith("pytorch-native-cpu-2.jar"), with.toString());
        Shell.Result without = start(checkout.resolve("lab"), Map.of("PYTORCH_LIBRARY_PATH", "/x"), "work").end();
        assertFalse(without.out().contains("pytorch-native-cpu"), without.out());
    }

    @Test
    void javaOptionsComeAfterTheLabsOwn() {
        Shell.Result result = start(checkout.resolve("lab"), Map.of("LAB_JAVA_OPTS", "-Xmx9g -Dflag=3"), "work").end();
        List<String> arguments = result.out().lines().toList();
        assertTrue(arguments.indexOf("-Dflag=3") > arguments.indexOf("-Dflag=1"), result.out());
        assertTrue(arguments.indexOf("-Xmx9g") > arguments.indexOf("-XX:MaxNewSize=128m"), result.out());
    }

    @Test
    void aChangedSourceIsBuiltBesideTheBuildInUse() throws Exception {
        lab("work");
        Shell.Running running = start(checkout.resolve("lab"), Map.of(), "wait");
        while (Files.size(running.out()) == 0) {
            Thread.sleep(20);
        }
        Files.writeString(source, "two");
        Shell.Result changed = lab("work");
        assertTrue(changed.err().startsWith("lab: sources have changed, building"), changed.err());
        assertEquals("two", Files.readString(classPathEntry(changed, "core-1.jar")));
        assertEquals(2, apps(), "the old build is still in use");
        Files.writeString(checkout.resolve("go"), "");
        Shell.Result old = running.end();
        assertEquals("one", Files.readString(classPathEntry(old, "core-1.jar")));
        Files.writeString(source, "three");
        Shell.run("touch -d '+1 minute' '" + source + "'");
        assertEquals("three", Files.readString(classPathEntry(lab("work"), "core-1.jar")));
        assertEquals(1, apps(), "builds nobody uses are removed");
    }

    private long apps() throws IOException {
        try (Stream<Path> files = Files.list(checkout.resolve("target/lab"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("app-")).count();
        }
    }

    @Test
    void twoAtOnceBuildOnce() throws IOException {
        var slow = Map.of("MAVEN_SECONDS", "1");
        Shell.Running one = start(checkout.resolve("lab"), slow, "one");
        Shell.Running two = start(checkout.resolve("lab"), slow, "two");
        assertEquals(List.of(0, 0), List.of(one.end().exitCode(), two.end().exitCode()));
        assertEquals(1, builds());
    }

    @Test
    void aFailedBuildSaysWhyAndLeavesNothing() throws IOException {
        Files.writeString(checkout.resolve("broken"), "");
        Shell.Result result = lab("work");
        assertEquals(3, result.exitCode());
        assertEquals("", result.out());
        assertTrue(result.err().contains("[ERROR] A.java:[3,4] ; expected"), result.err());
        assertTrue(result.err().contains("error: the build failed."), result.err());
        assertEquals(0, apps());
        Files.delete(checkout.resolve("broken"));
        assertEquals(0, lab("work").exitCode());
    }

    @Test
    void withoutMavenAnOldBuildRunsAndNoBuildIsAnError() throws IOException {
        Path programs = folder.resolve("programs");
        for (String name : List.of("dirname", "readlink", "find", "sed", "grep", "ldconfig", "flock")) {
            Shell.script(programs.resolve(name), "PATH=/usr/bin:/bin:/usr/sbin:/sbin exec " + name + " \"$@\"");
        }
        Shell.script(programs.resolve("bash"), "exec /bin/bash \"$@\"");
        var without = Map.of("PATH", programs.toString());
        Shell.Result none = start(checkout.resolve("lab"), without, "work").end();
        assertEquals(3, none.exitCode());
        assertEquals(List.of("error: lab has to be built first, and Maven (mvn) was not found.",
                "  Install Maven 3.8 or newer, for example with: apt-get install maven"), none.err().lines().toList());
        lab("work");
        Files.writeString(source, "two");
        Shell.Result old = start(checkout.resolve("lab"), without, "work").end();
        assertEquals(0, old.exitCode());
        assertTrue(old.err().contains("running the old build"), old.err());
        assertEquals("one", Files.readString(classPathEntry(old, "core-1.jar")));
    }

    @Test
    void aCopiedBuildRunsWithoutSourcesAndMaven() throws IOException {
        lab("work");
        Path copy = folder.resolve("copied");
        Shell.run("cp -r '" + checkout + "/target/lab' '" + copy + "'; rm -r '" + checkout + "'");
        Shell.Result result = start(copy.resolve("lab"), Map.of(), "work").end();
        assertEquals(0, result.exitCode(), result.err());
        assertEquals("one", Files.readString(classPathEntry(result, "core-1.jar")));
        Files.delete(copy.resolve("current"));
        Shell.Result broken = start(copy.resolve("lab"), Map.of(), "work").end();
        assertEquals(3, broken.exitCode());
        assertTrue(broken.err().startsWith("error: there is no build in "), broken.err());
    }

    @Test
    void runsFromAnyFolderThroughALink() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), checkout.resolve("lab"));
        Shell.Result result = start(link, Map.of(), "work").end();
        assertEquals(0, result.exitCode(), result.err());
        assertTrue(result.out().contains("-Dlab.home=" + checkout), result.out());
    }
}
