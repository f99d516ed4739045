package org.airelab.doctor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The files, programs and libraries of a machine.
 *
 * @param root        the root of its file system
 * @param environment its environment variables
 */
record Machine(Path root, Map<String, String> environment) {
    /** Where the dynamic linker looks without being told, on the distributions we know. */
    private static final List<String> LINKER_FOLDERS = List.of("/lib", "/usr/lib", "/lib64", "/usr/lib64",
            "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu");
    /** Where NVIDIA's installers put libraries, though the linker may not have been told. */
    private static final List<String> TOOLKIT_FOLDERS = List.of("/usr/local/cuda/lib64", "/usr/local/cuda-12/lib64",
            "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib", "/usr/lib/x86_64-linux-gnu/openmpi/lib");
    private static final long SECONDS_A_PROGRAM_MAY_TAKE = 5;

    /** This machine. */
    static Machine local() {
        return new Machine(Path.of("/"), System.getenv());
    }

    /** A shared library's file. {@code linked} says whether the dynamic linker finds it by its name alone. */
    record Library(Path file, boolean linked) {
        /** The version at the end of the real file's name: 12.6.4 for libcublas.so.12.6.4; or empty. */
        String version() {
            String name = real().getFileName().toString();
            int dot = name.indexOf(".so.");
            return dot < 0 ? "" : name.substring(dot + 4);
        }

        private Path real() {
            try {
                return file.toRealPath();
            } catch (IOException e) {
                return file;
            }
        }
    }

    /** An absolute path of the machine, such as {@code /proc/cpuinfo}. */
    Path path(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    /** A file's lines; none when it cannot be read. */
    List<String> lines(String absolute) {
        try {
            return Files.readAllLines(path(absolute), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return List.of();
        }
    }

    /** An environment variable that is set and not empty. */
    Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name)).filter(value -> !value.isEmpty());
    }

    /** The first executable file of this name on the {@code PATH} or in one of {@code folders}. */
    Optional<Path> program(String name, String... folders) {
        var candidates = new ArrayList<Path>();
        variable("PATH").ifPresent(path -> split(path).forEach(folder -> candidates.add(Path.of(folder))));
        for (String folder : folders) {
            candidates.add(path(folder));
        }
        return candidates.stream().map(folder -> folder.resolve(name))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file)).findFirst();
    }

    /** What a program prints, both streams together; empty when it cannot run or takes too long. */
    String output(String... command) {
        try {
            Path output = Files.createTempFile("doctor", ".txt");
            try {
                Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile())).start();
                if (!process.waitFor(SECONDS_A_PROGRAM_MAY_TAKE, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
                return Files.readString(output, StandardCharsets.ISO_8859_1);
            } finally {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /** The shared library of this file name, such as {@code libcuda.so.1}. */
    Optional<Library> library(String name) {
        return inFolders(name, linkerFolders(), true).or(() -> inFolders(name, toolkitFolders(), false));
    }

    private Optional<Library> inFolders(String name, Set<Path> folders, boolean linked) {
        return folders.stream().map(folder -> folder.resolve(name)).filter(Files::exists)
                .map(file -> new Library(file, linked)).findFirst();
    }

    private Set<Path> linkerFolders() {
        var folders = new LinkedHashSet<Path>();
        variable("LD_LIBRARY_PATH").ifPresent(path -> split(path).forEach(folder -> folders.add(Path.of(folder))));
        for (Path file : children("/etc/ld.so.conf.d")) {
            lines("/etc/ld.so.conf.d/" + file.getFileName()).stream().map(String::strip)
                    .filter(line -> line.startsWith("/")).forEach(line -> folders.add(path(line)));
        }
        LINKER_FOLDERS.forEach(folder -> folders.add(path(folder)));
        return folders;
    }

    private Set<Path> toolkitFolders() {
        var folders = new LinkedHashSet<Path>();
        TOOLKIT_FOLDERS.forEach(folder -> folders.add(path(folder)));
        children("/usr/local").stream().filter(folder -> folder.getFileName().toString().startsWith("cuda-12"))
                .forEach(folder -> folders.add(folder.resolve("lib64")));
        return folders;
    }

    /** What a folder holds, sorted; nothing when it is none. */
    List<Path> children(String absolute) {
        try (Stream<Path> files = Files.list(path(absolute))) {
            return files.sorted().toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static List<String> split(String path) {
        return Stream.of(path.split(":")).filter(folder -> !folder.isEmpty()).toList();
    }
}
