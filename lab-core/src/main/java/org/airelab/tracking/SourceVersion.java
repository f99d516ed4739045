package org.airelab.tracking;

import java.io.IOException;
import java.io.Reader;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Optional;
import java.util.Properties;

/**
 * The commit the running lab was built from.
 *
 * @param commit 40 hexadecimal digits, or "unknown" outside a checkout or where there is no git
 * @param dirty  whether files differ from the commit, new ones included; null when the commit is unknown
 */
public record SourceVersion(String commit, Boolean dirty) {
    private static final SourceVersion UNKNOWN = new SourceVersion("unknown", null);

    /**
     * The commit the running classes were built from: as the launcher wrote it down when it built them, else that of
     * the checkout they lie in.
     */
    public static SourceVersion detect() {
        String app = System.getProperty("lab.app");
        return app != null ? recorded(Path.of(app, "source-version"))
                : classes().map(SourceVersion::of).orElse(UNKNOWN);
    }

    /** Lines {@code commit=...} and {@code dirty=true} or {@code false}. */
    public static SourceVersion recorded(Path file) {
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            properties.load(in);
        } catch (IOException e) {
            return UNKNOWN;
        }
        String commit = properties.getProperty("commit");
        return commit == null ? UNKNOWN : new SourceVersion(commit, Boolean.valueOf(properties.getProperty("dirty")));
    }

    /** The commit of the checkout that holds a path of the lab; unknown when that is a checkout of something else. */
    static SourceVersion of(Path path) {
        Path root = path.toAbsolutePath();
        while (root != null && !Files.exists(root.resolve(".git"))) {
            root = root.getParent();
        }
        if (root == null || !Files.isDirectory(root.resolve("lab-core"))) {
            return UNKNOWN;
        }
        Optional<String> commit = Programs.output("git", "-C", root.toString(), "rev-parse", "HEAD");
        Optional<String> changes = Programs.output("git", "-C", root.toString(), "status", "--porcelain");
        return commit.isEmpty() || changes.isEmpty() ? UNKNOWN
                : new SourceVersion(commit.get(), !changes.get().isEmpty());
    }

    private static Optional<Path> classes() {
        try {
            CodeSource source = SourceVersion.class.getProtectionDomain().getCodeSource();
            return source == null ? Optional.empty() : Optional.of(Path.of(source.getLocation().toURI()));
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
