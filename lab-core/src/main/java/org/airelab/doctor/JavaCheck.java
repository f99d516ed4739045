package org.airelab.doctor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The Java this runs on. */
final class JavaCheck implements Check {
    private static final String ENABLES =
            "everything; its compiler builds the lab, its Vector API runs the CPU kernels";

    @Override
    public Finding examine(Machine machine) {
        Path home = Path.of(System.getProperty("java.home"));
        boolean compiler = Files.isExecutable(home.resolve("bin/javac"));
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        String found = Runtime.version() + " of " + System.getProperty("java.vendor") + " in " + home;
        Map<String, Object> details = Map.of("version", Runtime.version().toString(), "home", home.toString(),
                "vendor", System.getProperty("java.vendor"), "compiler", compiler, "vector_api", vectors);
        if (!vectors) {
            return new Finding("Java", Status.MISSING, found + ", without jdk.incubator.vector", ENABLES,
                    "Start commands with the launcher lab, which adds the module, on a JDK that has it.", details);
        }
        if (!compiler) {
            return new Finding("Java", Status.WARNING, found + ", without a compiler", ENABLES,
                    "To build the lab here, install a full JDK 25 instead of a runtime.", details);
        }
        return Finding.ok("Java", found, ENABLES, details);
    }
}
