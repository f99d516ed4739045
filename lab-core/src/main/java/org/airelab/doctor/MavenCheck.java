package org.airelab.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/** Maven. Its version is read from its files: asking it takes half a second. */
final class MavenCheck implements Check {
    private static final String ENABLES = "building the lab from its sources";
    private static final String PROPERTIES = "META-INF/maven/org.apache.maven/maven-core/pom.properties";

    @Override
    public Finding examine(Machine machine) {
        Optional<Path> program = machine.program("mvn");
        if (program.isEmpty()) {
            return Finding.absent("Maven", ENABLES, "apt-get install maven (3.8 or newer)");
        }
        String version = versionOf(program.get());
        return Finding.ok("Maven", version.isEmpty() ? program.get().toString() : version + " (" + program.get() + ")",
                ENABLES, Map.of("path", program.get().toString(), "version", version));
    }

    private static String versionOf(Path program) {
        try (Stream<Path> files = Files.list(program.toRealPath().resolve("../../lib").normalize())) {
            Optional<Path> core = files.filter(file -> file.getFileName().toString().startsWith("maven-core-"))
                    .findFirst();
            return core.isEmpty() ? "" : versionIn(core.get());
        } catch (IOException e) {
            return "";
        }
    }

    private static String versionIn(Path jar) throws IOException {
        try (var file = new JarFile(jar.toFile())) {
            var entry = file.getEntry(PROPERTIES);
            if (entry == null) {
                return "";
            }
            var properties = new Properties();
            properties.load(file.getInputStream(entry));
            return properties.getProperty("version", "");
        }
    }
}
