package org.airelab.doctor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What Java needs to write text into pictures: fontconfig and at least one font. */
final class FontCheck implements Check {
    private static final String ENABLES = "pictures: loss.png and others";
    private static final String ADVICE = "apt-get install fontconfig fonts-dejavu-core";
    private static final int DEPTH = 5;

    @Override
    public Finding examine(Machine machine) {
        if (machine.library("libfontconfig.so.1").isEmpty()) {
            return new Finding("Fonts", Status.ABSENT, "no libfontconfig.so.1", ENABLES, ADVICE, Map.of());
        }
        for (String folder : List.of("/usr/share/fonts", "/usr/local/share/fonts")) {
            Optional<Path> font = fontIn(machine.path(folder));
            if (font.isPresent()) {
                return Finding.ok("Fonts", "fontconfig, " + font.get().getFileName(), ENABLES,
                        Map.of("font", font.get().toString()));
            }
        }
        return new Finding("Fonts", Status.ABSENT, "fontconfig, but no font", ENABLES, ADVICE, Map.of());
    }

    private static Optional<Path> fontIn(Path folder) {
        try (Stream<Path> files = Files.walk(folder, DEPTH)) {
            return files.filter(file -> file.toString().matches(".*\\.(ttf|otf|ttc|pfb)")).min(Path::compareTo);
        } catch (IOException | UncheckedIOException e) {
            return Optional.empty();
        }
    }
}
