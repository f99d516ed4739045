package org.airelab.kernels.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.JCudaVersion;
import jcuda.LibUtils;

/** Finds CUDA's shared libraries and loads JCuda's, which lie in a jar. */
final class NativeLibraries {
    /** What libraries open by name themselves, which fails where the dynamic linker does not know their folder. */
    private static final Map<String, String> COMPANIONS = Map.of("libnvrtc.so.12", "libnvrtc-builtins.so.12*",
            "libcublas.so.12", "libcublasLt.so.12");
    private static final Path INSTALLATIONS = Path.of("/usr/local");
    private static final Pattern LINK_ERROR = Pattern.compile("UnsatisfiedLinkError: ([^\n\r]*)");

    private NativeLibraries() {
    }

    /** A library the dynamic linker finds by its name, or that lies in CUDA's usual folders; once open it stays so. */
    static Optional<SymbolLookup> open(String name) {
        try {
            return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
        } catch (IllegalArgumentException e) {
            return folders().stream().map(folder -> folder.resolve(name)).filter(Files::exists).findFirst()
                    .flatMap(NativeLibraries::openFile);
        }
    }

    private static Optional<SymbolLookup> openFile(Path file) {
        String companions = COMPANIONS.getOrDefault(file.getFileName().toString(), "");
        try (DirectoryStream<Path> found = Files.newDirectoryStream(file.getParent(), companions)) {
            found.forEach(companion -> SymbolLookup.libraryLookup(companion, Arena.global()));
            return Optional.of(SymbolLookup.libraryLookup(file, Arena.global()));
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static List<Path> folders() {
        List<Path> folders = new ArrayList<>();
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            if (System.getenv(variable) != null) {
                folders.add(Path.of(System.getenv(variable), "lib64"));
            }
        }
        try (DirectoryStream<Path> found = Files.newDirectoryStream(INSTALLATIONS, "cuda*")) {
            found.forEach(installation -> folders.add(installation.resolve("lib64")));
        } catch (IOException e) {
            // There is no such folder: nothing to add.
        }
        return folders;
    }

    /**
     * Loads one of JCuda's native libraries.
     *
     * @param library  such as {@code JCudaDriver}
     * @param firstUse touches the class that loads it
     */
    static void loadJCuda(String library, Runnable firstUse) {
        String file = LibUtils.createLibraryFileName(
                LibUtils.createPlatformLibraryName(library + "-" + JCudaVersion.get()));
        try {
            place(file);
            firstUse.run();
        } catch (IOException | LinkageError e) {
            throw new MissingCudaException("JCuda's library " + file + " cannot be loaded: " + reason(e),
                    "Install what is missing; where " + System.getProperty("java.io.tmpdir")
                            + " forbids programs, set -Djava.io.tmpdir to another folder in LAB_JAVA_OPTS.", e);
        }
    }

    /**
     * JCuda unpacks its library into the temporary folder unless a file of that name is there. Of several processes
     * that start together one would then load what another has only half written: put the whole file there first.
     */
    private static void place(String file) throws IOException {
        try (InputStream in = LibUtils.class.getResourceAsStream("/lib/" + file)) {
            if (in == null) {
                throw new IOException("it does not exist for this platform, only for Linux on x86-64");
            }
            byte[] content = in.readAllBytes();
            Path target = Path.of(System.getProperty("java.io.tmpdir"), file);
            if (Files.exists(target) && Arrays.equals(content, Files.readAllBytes(target))) {
                return;
            }
            Path temporary = Files.createTempFile(target.getParent(), file, ".tmp");
            try {
                Files.write(temporary, content);
                Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(temporary);
            }
        }
    }

    /** JCuda's message holds several stack traces; the last cause in it is the one that matters. */
    private static String reason(Throwable error) {
        Matcher matcher = LINK_ERROR.matcher(String.valueOf(error.getMessage()));
        return matcher.results().reduce((_, last) -> last).map(last -> last.group(1))
                .orElse(String.valueOf(error.getMessage()));
    }
}
