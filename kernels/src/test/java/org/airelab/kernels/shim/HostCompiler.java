package org.airelab.kernels.shim;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Compiles kernels and the shim with g++ into libraries, kept from run to run in {@code target/shim-cache}. */
final class HostCompiler {
    private static final Path CACHE = Path.of("target", "shim-cache").toAbsolutePath();
    private static final List<String> SHIM = List.of("shim.cpp", "shim.hpp", "hopper.hpp", "state.hpp", "fibers.hpp",
            "reports.hpp", "clocks.hpp", "memory.hpp", "warps.hpp", "barriers.hpp", "tma.hpp", "turns.hpp",
            "wgmma.hpp");
    private static final long MINUTES = 5;
    /** Checked in its own units rather than by libtsan, so the instrumentation is compiled in and not linked. */
    private static final List<String> KERNEL_OPTIONS = List.of("-x", "c++", "-std=c++17", "-O1", "-g1", "-gdwarf-4",
            "-fPIC", "-fno-strict-aliasing", "-fno-math-errno", "-fsanitize=thread,alignment,bounds", "-w", "-c");
    private static final Pattern ENTRY =
            Pattern.compile("__attribute__\\(\\(used, visibility\\(\"default\"\\)\\)\\)\\s+void\\s+(\\w+)\\s*\\(");

    private HostCompiler() {}

    /** The library that runs kernels. */
    static Path shim() {
        var folder = shimSources();
        return library("lib" + folder.getFileName(), List.of(), object -> run(List.of("g++", "-std=c++17", "-O2", "-g1",
                "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden", "-c",
                folder.resolve("shim.cpp").toString(), "-o", object.toString())));
    }

    /** The library of a kernel source's entries, each with its {@code lab_entry_} and {@code lab_kinds_}. */
    static Path kernel(String text, List<String> options, Path shim) {
        var header = shimSources().resolve("shim.hpp");
        var command = new ArrayList<>(List.of("g++"));
        command.addAll(KERNEL_OPTIONS);
        command.addAll(options);
        command.add("-DLAB_HOST_SHIM=\"" + header + "\"");
        // Faults are traced to lines of the file that is compiled, whatever files its text is from.
        var unmarked = text.replaceAll("(?m)^#line .*", "");
        var key = hash(unmarked + "\n" + command + shim);
        var source = CACHE.resolve(key + ".cu");
        write(source, unmarked);
        return library(key, List.of(shim.toString()), object -> {
            var preprocess = new ArrayList<>(command);
            preprocess.addAll(List.of("-E", source.toString()));
            var wrapper = new StringBuilder("#include \"" + source + "\"\nLAB_MODULE\n");
            ENTRY.matcher(run(preprocess)).results()
                    .forEach(entry -> wrapper.append("LAB_ENTRY(").append(entry.group(1)).append(")\n"));
            var wrapped = Path.of(object + ".cpp");
            write(wrapped, wrapper.toString());
            command.addAll(List.of(wrapped.toString(), "-o", object.toString()));
            run(command);
            delete(wrapped);
        });
    }

    /** The line of a kernel's source that an address in its library came from, or an empty text. */
    static String line(Path library, long address) {
        var found = run(List.of("addr2line", "-i", "-e", library.toString(), Long.toHexString(address - 1)));
        var source = withoutSuffix(library) + ".cu";
        var lines = Pattern.compile(Pattern.quote(source) + ":(\\d+)").matcher(found).results()
                .map(match -> sourceLine(source, match)).distinct().toList();
        return lines.isEmpty() ? "" : "\n    at " + String.join("\n    in ", lines);
    }

    private static String sourceLine(String source, MatchResult match) {
        try {
            return Files.readAllLines(CACHE.resolve(source)).get(Integer.parseInt(match.group(1)) - 1).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private interface Step {
        void compile(Path object);
    }

    private static Path library(String name, List<String> linkedWith, Step compile) {
        var library = CACHE.resolve(name + ".so");
        if (Files.exists(library)) {
            return library;
        }
        var object = CACHE.resolve(name + "-" + ProcessHandle.current().pid() + ".o");
        compile.compile(object);
        var linked = Path.of(object + ".so");
        var command = new ArrayList<>(List.of("g++", "-shared", "-Wl,--no-undefined", object.toString()));
        command.addAll(linkedWith);
        command.addAll(List.of("-lm", "-o", linked.toString()));
        run(command);
        try {
            Files.move(linked, library, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        delete(object);
        return library;
    }

    /** A folder with the shim's sources, under a name that changes with their texts. */
    private static Path shimSources() {
        var texts = SHIM.stream().map(HostCompiler::resource).toList();
        var folder = CACHE.resolve("shim-" + hash(String.join("", texts)));
        for (var i = 0; i < texts.size(); i++) {
            write(folder.resolve(SHIM.get(i)), texts.get(i));
        }
        return folder;
    }

    private static String resource(String name) {
        try (InputStream in = HostCompiler.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String withoutSuffix(Path file) {
        return file.getFileName().toString().replaceFirst("\\..*", "");
    }

    private static String hash(String text) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 12);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void write(Path file, String text) {
        if (Files.exists(file)) {
            return;
        }
        try {
            Files.createDirectories(file.getParent());
            var part = Files.createTempFile(file.getParent(), "part", null);
            Files.writeString(part, text);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a command and returns what it printed; without g++ the test that asks is skipped. */
    private static String run(List<String> command) {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            return abort(command.getFirst() + " is not on the PATH: CUDA kernels are not executed on this machine");
        }
        try (var out = process.getInputStream()) {
            var text = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new IllegalStateException(String.join(" ", command) + "\n" + text);
            }
            return text;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
