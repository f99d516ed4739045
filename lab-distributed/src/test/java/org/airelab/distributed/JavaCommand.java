package org.airelab.distributed;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How tests start a Java of their own. */
public final class JavaCommand {
    private JavaCommand() {
    }

    /** The command that runs a class with this process's class path. */
    public static List<String> of(Class<?> main, List<String> options, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xshare:auto", "-Xmx1g",
                "--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector",
                "-Djava.awt.headless=true"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** The JVMs that a process has started; for a moment a child is the helper that becomes one. */
    public static List<ProcessHandle> childrenOf(Process process) {
        return process.children().filter(child -> child.info().command().filter(path -> path.endsWith("/java"))
                .isPresent()).toList();
    }
}
