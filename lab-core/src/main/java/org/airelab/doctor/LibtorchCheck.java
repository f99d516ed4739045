package org.airelab.doctor;

import ai.djl.util.Utils;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * The libtorch DJL would load, found the way DJL finds it (ai.djl.pytorch.jni.LibUtils, ai.djl.util.Platform) but
 * without loading it: the folder in PYTORCH_LIBRARY_PATH, else the build on the class path, else one from DJL's
 * server, which is a CUDA build only where the CUDA runtime is found.
 */
final class LibtorchCheck implements Check {
    static final String NAME = "libtorch";
    private static final String ENABLES = "training, through DJL's PyTorch engine";
    private static final String GET_CUDA = "For the GPU, install the CUDA 12 runtime (libcudart.so.12), or set "
            + "PYTORCH_LIBRARY_PATH, PYTORCH_VERSION and PYTORCH_FLAVOR to a CUDA build of libtorch.";

    @Override
    public Finding examine(Machine machine) {
        String version = property("pytorch-engine.properties", "pytorch_version").orElse("");
        Optional<String> override = machine.variable("PYTORCH_LIBRARY_PATH");
        if (override.isPresent()) {
            return overridden(machine, override.get(), version);
        }
        Optional<String> flavor = property("native/lib/pytorch.properties", "flavor");
        if (flavor.isPresent()) {
            return onClassPath(machine, version, flavor.get());
        }
        return fetched(machine, version);
    }

    private static Finding overridden(Machine machine, String path, String version) {
        Optional<Path> folder = Stream.of(path.split(":")).filter(p -> !p.isEmpty()).map(Path::of)
                .filter(p -> Files.exists(p.resolve("libtorch.so"))).findFirst();
        if (folder.isEmpty()) {
            return new Finding(NAME, Status.MISSING, "PYTORCH_LIBRARY_PATH=" + path + " holds no libtorch.so", ENABLES,
                    "Unset PYTORCH_LIBRARY_PATH, or set it to the folder of a libtorch " + version + ".", Map.of());
        }
        String flavor = machine.variable("PYTORCH_FLAVOR").orElse(
                Files.exists(folder.get().resolve("libtorch_cuda.so")) ? "cuda" : "cpu");
        return found(machine.variable("PYTORCH_VERSION").orElse(version), flavor,
                "in " + folder.get() + " (PYTORCH_LIBRARY_PATH)", Status.OK, "");
    }

    private static Finding onClassPath(Machine machine, String version, String flavor) {
        String classifier = property("native/lib/pytorch.properties", "classifier").orElse("");
        if (!classifier.endsWith(platform())) {
            return new Finding(NAME, Status.MISSING,
                    "a build for " + classifier + " on a machine of " + platform(), ENABLES,
                    "Set PYTORCH_LIBRARY_PATH to the folder of a libtorch " + version + " for this machine.", Map.of());
        }
        boolean idleGpu = machine.library("libcuda.so.1").isPresent() && machine.library("libcudart.so.12").isEmpty();
        return found(version, flavor, "on the class path", idleGpu ? Status.WARNING : Status.OK,
                idleGpu ? GET_CUDA : "");
    }

    private static Finding fetched(Machine machine, String version) {
        boolean cuda = machine.library("libcudart.so.12").isPresent();
        String flavor = cuda ? "cu1" : "cpu";
        Path cache = Utils.getEngineCacheDir("pytorch");
        Optional<Path> cached = cached(cache, version, flavor);
        if (cached.isPresent()) {
            String name = cached.get().getFileName().toString();
            return found(version, name.contains("-cu") ? name.replaceFirst(".*-(cu\\d+)-.*", "$1") : "cpu",
                    "in " + cached.get(), Status.OK, cuda ? "" : GET_CUDA);
        }
        return found(version, cuda ? "cuda" : "cpu", "fetched from DJL's server on first use", Status.WARNING,
                "Let this machine reach the Internet once, or set PYTORCH_LIBRARY_PATH to a libtorch " + version + ".");
    }

    private static Optional<Path> cached(Path cache, String version, String flavor) {
        try (Stream<Path> folders = Files.list(cache)) {
            return folders.filter(folder -> folder.getFileName().toString().startsWith(version + "-" + flavor)
                    && Files.exists(folder.resolve("libtorch.so"))).min(Path::compareTo);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Finding found(String version, String flavor, String where, Status status, String advice) {
        return new Finding(NAME, status, version + " " + flavor + ", " + where, ENABLES, advice,
                Map.of("version", version, "flavor", flavor, "where", where, "djl_version",
                        property("pytorch-engine.properties", "djl_version").orElse("")));
    }

    /** DJL's name of this platform: linux-x86_64. */
    private static String platform() {
        String system = System.getProperty("os.name").startsWith("Mac") ? "osx" : "linux";
        return system + "-" + System.getProperty("os.arch").replace("amd64", "x86_64");
    }

    private static Optional<String> property(String resource, String key) {
        try (InputStream in = LibtorchCheck.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                return Optional.empty();
            }
            var properties = new Properties();
            properties.load(in);
            return Optional.ofNullable(properties.getProperty(key));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
