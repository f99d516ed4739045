package org.airelab.kernels.cuda;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The compiler of the CUDA toolkit, a program. It needs a C++ compiler of the host. */
final class Nvcc implements CudaCompiler {
    private static final Pattern RELEASE = Pattern.compile("release (\\d+)\\.(\\d+), V(\\S+)");
    private static final String SOURCE = "kernel.cu";

    private final Path program;
    private final String version;
    private final int number;

    private Nvcc(Path program) {
        this.program = program;
        String text = run(List.of(program.toString(), "--version"), null).output();
        Matcher release = RELEASE.matcher(text);
        boolean known = release.find();
        version = "nvcc " + (known ? release.group(3) : text.strip());
        number = known ? 100 * Integer.parseInt(release.group(1)) + Integer.parseInt(release.group(2)) : 0;
    }

    /**
     * The nvcc on the PATH, in CUDA_HOME, in CUDA_PATH or in {@code /usr/local/cuda}, where it has its C++ compiler:
     * the g++ on the PATH, or what NVCC_CCBIN names.
     */
    static Optional<Nvcc> find() {
        List<Path> path = Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).map(Path::of)
                .toList();
        if (System.getenv("NVCC_CCBIN") == null && executable("g++", path).isEmpty()) {
            return Optional.empty();
        }
        List<Path> folders = new ArrayList<>(path);
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            Optional.ofNullable(System.getenv(variable)).ifPresent(home -> folders.add(Path.of(home, "bin")));
        }
        folders.add(Path.of("/usr/local/cuda/bin"));
        return executable("nvcc", folders).flatMap(Nvcc::at);
    }

    /** Nothing where the program cannot be started: it may be another machine's. */
    private static Optional<Nvcc> at(Path program) {
        try {
            return Optional.of(new Nvcc(program));
        } catch (UncheckedIOException e) {
            return Optional.empty();
        }
    }

    private static Optional<Path> executable(String program, List<Path> folders) {
        return folders.stream().map(folder -> folder.resolve(program)).filter(Files::isExecutable).findFirst();
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public int release() {
        return number;
    }

    @Override
    public Compiled compile(String name, String text, String architecture) {
        try {
            Path folder = Files.createTempDirectory("aire-lab-nvcc");
            try {
                Files.writeString(folder.resolve(SOURCE), text);
                Path cubin = folder.resolve("kernel.cubin");
                Output output = run(List.of(program.toString(), "-std=c++17", "-arch=" + architecture, "-cubin",
                        "-Xptxas", "-v", "-o", cubin.toString(), SOURCE), folder);
                if (output.status() != 0 || !Files.exists(cubin)) {
                    throw new CompilationException(name, architecture, version, output.output());
                }
                return new Compiled(Files.readAllBytes(cubin), output.output());
            } finally {
                delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("compiling with " + program + " failed: " + e.getMessage(), e);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private record Output(int status, String output) {
    }

    private static Output run(List<String> command, Path folder) {
        try {
            Process process = new ProcessBuilder(command).directory(folder == null ? null : folder.toFile())
                    .redirectErrorStream(true).start();
            try {
                process.getOutputStream().close();
                String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return new Output(process.waitFor(), output);
            } finally {
                process.destroy();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(command.getFirst() + " cannot be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(command.getFirst() + " was interrupted", e);
        }
    }
}
