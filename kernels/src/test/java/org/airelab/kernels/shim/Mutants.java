package org.airelab.kernels.shim;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.function.Consumer;

/** Bugs planted in kernels, which a test has to find. */
public final class Mutants {
    private Mutants() {}

    /**
     * Asserts that a check that sources pass as they are fails once the text given is replaced in them: by a fault, or
     * by an assertion on the results.
     */
    public static void assertKilled(String original, String replacement, Consumer<HostLauncher> check) {
        try (var host = new HostLauncher(7)) {
            check.accept(host);
        }
        try (var host = new HostLauncher(7).withMutation(original, replacement)) {
            check.accept(host);
        } catch (KernelFault | AssertionError killed) {
            return;
        }
        fail("nobody noticed " + replacement + " in the place of " + original);
    }
}
