package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.tracking.SourceVersion;

/**
 * A build of the lab whose kernels are measured.
 *
 * @param classPath of the JVMs that measure
 * @param source    what it was built from
 */
record Build(String classPath, SourceVersion source) {
    private static final String CPU_LIBTORCH = "pytorch-native-cpu";

    /** The running one. */
    static Build own() {
        return new Build(System.getProperty("java.class.path"), SourceVersion.detect());
    }

    /**
     * The one in a folder, laid out as the launcher does it: {@code target/lab}, or a copy of that.
     *
     * @throws UserError (bad input) when there is none
     */
    static Build at(Path folder) throws IOException {
        Path app = folder.resolve(Files.readString(expected(folder.resolve("current"))).strip());
        Path libraries = expected(app.resolve("libraries"));
        List<String> jars = new ArrayList<>();
        try (Stream<Path> files = Files.list(app)) {
            files.filter(file -> file.toString().endsWith(".jar")).sorted().forEach(jar -> jars.add(jar.toString()));
        }
        boolean cpuLibtorch = System.getProperty("java.class.path").contains(CPU_LIBTORCH);
        Files.readAllLines(libraries).stream()
                .filter(name -> cpuLibtorch || !name.startsWith(CPU_LIBTORCH))
                .forEach(name -> jars.add(folder.resolve("lib").resolve(name).toString()));
        return new Build(String.join(":", jars), SourceVersion.recorded(app.resolve("source-version")));
    }

    private static Path expected(Path file) {
        if (!Files.isRegularFile(file)) {
            throw UserError.badInput("expected a build of the lab, found no file " + file,
                    "Give a checkout's target/lab or a copy of it: cp -r target/lab before.");
        }
        return file;
    }
}
