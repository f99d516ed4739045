package org.airelab.doctor;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A program and its version. */
final class ProgramCheck implements Check {
    private final String name;
    private final List<String> programs;
    private final Pattern version;
    private final String enables;
    private final String advice;

    /**
     * @param programs names of the program, the first one found counts
     * @param version  its first group is the version in what {@code --version} prints
     * @param advice   how to get it
     */
    ProgramCheck(String name, List<String> programs, String version, String enables, String advice) {
        this.name = name;
        this.programs = List.copyOf(programs);
        this.version = Pattern.compile(version);
        this.enables = enables;
        this.advice = advice;
    }

    @Override
    public Finding examine(Machine machine) {
        Optional<Path> program = programs.stream()
                .flatMap(candidate -> machine.program(candidate, "/usr/local/cuda/bin").stream()).findFirst();
        if (program.isEmpty()) {
            return Finding.absent(name, enables, advice);
        }
        Matcher matcher = version.matcher(machine.output(program.get().toString(), "--version"));
        String number = matcher.find() ? matcher.group(1) : "";
        return Finding.ok(name, number.isEmpty() ? program.get().toString() : number + " (" + program.get() + ")",
                enables, Map.of("path", program.get().toString(), "version", number));
    }
}
