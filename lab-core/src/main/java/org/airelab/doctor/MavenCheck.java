package org.airelab.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Maven. Its version is read from its files: asking it takes half a second. */
final class MavenCheck implements Check {
    private static final String ENABLES = "building the lab from its sources";
    /** Debian's {@code maven-core-3.x.jar} is a link to a file that has the version. */
    private static final Pattern VERSION = Pattern.compile(".*-(\\d+\\.\\d+\\.\\d+.*)\\.jar");

    @Override
    public Finding examine(Machine machine) {
        Optional<Path> program = machine.program("mvn");
        if (program.isEmpty()) {
            return Finding.absent("Maven", ENABLES, "apt-get install maven (3.8 or newer)");
        }
        String version = version(program.get());
        return Finding.ok("Maven", version.isEmpty() ? program.get().toString() : version + " (" + program.get() + ")",
                ENABLES, Map.of("path", program.get().toString(), "version", version));
    }

    private static String version(Path program) {
        try (Stream<Path> files = Files.list(program.toRealPath().resolve("../../lib").normalize())) {
            Optional<Path> core = files.filter(file -> file.getFileName().toString().startsWith("maven-core-")).findFirst();
            if (core.isEmpty()) {
                return "";
            }
            Matcher matcher = VERSION.matcher(core.get().toRealPath().getFileName().toString());
            return matcher.matches() ? matcher.group(1) : "";
        } catch (IOException e) {
            return "";
        }
    }
}
