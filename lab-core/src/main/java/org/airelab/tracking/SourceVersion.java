package org.airelab.tracking;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Optional;

/**
 * The commit the lab runs from.
 *
 * @param commit 40 hexadecimal digits, or "unknown" outside a checkout or where there is no git
 * @param dirty  whether tracked files differ from the commit; null when the commit is unknown
 */
public record SourceVersion(String commit, Boolean dirty) {
    private static final SourceVersion UNKNOWN = new SourceVersion("unknown", null);

    /** The commit of the checkout the running classes come from. */
    public static SourceVersion detect() {
        String home = System.getProperty("lab.home");
        return home != null ? of(Path.of(home)) : classes().map(SourceVersion::of).orElse(UNKNOWN);
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
        Optional<String> changes = Programs.output("git", "-C", root.toString(), "status", "--porcelain",
                "--untracked-files=no");
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
