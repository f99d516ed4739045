package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
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
    private static final String COPY = "Give a copy of a checkout's target/lab: cp -r target/lab before.";
    private static final String CPU_LIBTORCH = "pytorch-native-cpu";
    /** Holds the number of the protocol that {@link BenchmarkFork} speaks. */
    private static final String PROTOCOL = "org/airelab/benchmarks/kernels/protocol";

    /** The running one. */
    static Build own() {
        return new Build(System.getProperty("java.class.path"), SourceVersion.detect());
    }

    /**
     * The one in a folder, laid out as the launcher does it: {@code target/lab}, or a copy of that.
     *
     * @throws UserError (bad input) when there is none, it is the running one, or its JVMs speak another protocol than
     *                   the running one's
     */
    static Build at(Path folder) throws IOException {
        Path app = folder.resolve(Files.readString(expected(folder.resolve("current"))).strip());
        Path libraries = expected(app.resolve("libraries"));
        refuseOwn(app);
        List<String> jars = new ArrayList<>();
        try (Stream<Path> files = Files.list(app)) {
            files.filter(file -> file.toString().endsWith(".jar")).sorted().forEach(jar -> jars.add(jar.toString()));
        }
        requireProtocol(folder, jars);
        boolean cpuLibtorch = System.getProperty("java.class.path").contains(CPU_LIBTORCH);
        Files.readAllLines(libraries).stream()
                .filter(name -> cpuLibtorch || !name.startsWith(CPU_LIBTORCH))
                .forEach(name -> jars.add(folder.resolve("lib").resolve(name).toString()));
        return new Build(String.join(":", jars), SourceVersion.recorded(app.resolve("source-version")));
    }

    private static void refuseOwn(Path app) throws IOException {
        String own = System.getProperty("lab.app");
        if (own != null && app.toRealPath().equals(Path.of(own).toRealPath())) {
            throw UserError.badInput("that is the build that runs now; copy it before a change", COPY);
        }
    }

    private static void requireProtocol(Path folder, List<String> jars) throws IOException {
        String own = protocol(Build.class.getClassLoader());
        List<URL> urls = new ArrayList<>();
        for (String jar : jars) {
            urls.add(Path.of(jar).toUri().toURL());
        }
        try (URLClassLoader classes = new URLClassLoader(urls.toArray(URL[]::new), null)) {
            String other = protocol(classes);
            if (!own.equals(other)) {
                throw UserError.badInput("the build in " + folder + " cannot take turns with this one: expected its"
                        + " measuring JVMs to speak protocol " + own + ", found " + other,
                        "Measure each with its own lab bench, then give both reports to lab compare.");
            }
        }
    }

    private static String protocol(ClassLoader classes) throws IOException {
        try (InputStream in = classes.getResourceAsStream(PROTOCOL)) {
            return in == null ? "none" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }

    private static Path expected(Path file) {
        if (!Files.isRegularFile(file)) {
            throw UserError.badInput("expected a build of the lab, found no file " + file,
                    COPY);
        }
        return file;
    }
}
