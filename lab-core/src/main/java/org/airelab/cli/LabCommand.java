package org.airelab.cli;

import java.util.concurrent.Callable;

/**
 * A command of {@code lab}. A module adds one by a public class with a public constructor without parameters
 * that implements this, carries {@link picocli.CommandLine.Command} with at least one line of {@code footer}
 * that starts with {@code lab} (an example, to be copied into a shell as it stands), and is listed in
 * {@code META-INF/services/org.airelab.cli.LabCommand}. Commands below it need not implement this interface:
 * {@code Callable<Integer>} will do.
 *
 * <p>{@code --help} and {@code --verbose} are added to every command. {@link #call()} returns the exit code: 0
 * done, or what {@link org.airelab.base.UserError} knows; what a user can mend leaves as a {@code UserError}.
 * Results go to standard output, everything said meanwhile to standard error.
 */
public interface LabCommand extends Callable<Integer> {
    /** The heading of {@code lab --help} under which this command is listed. */
    CommandGroup group();

    /** Does the work. A command that only holds others need not override this: it is never called. */
    @Override
    default Integer call() throws Exception {
        throw new IllegalStateException(getClass().getName()
                + " has no commands of its own and does not override call()");
    }
}
