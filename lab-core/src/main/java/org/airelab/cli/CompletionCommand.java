package org.airelab.cli;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab completion}. */
@Command(name = "completion", description = "Print a script that lets your shell complete lab's commands.",
        footer = {"  lab completion bash >> ~/.bash_completion", "  source <(lab completion zsh)"})
public final class CompletionCommand implements LabCommand {
    /** Shells a script is known for. (The one script serves both: zsh reads bash's through bashcompinit.) */
    enum Shell { bash, zsh }

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SHELL", description = "One of ${COMPLETION-CANDIDATES}.")
    private Shell shell;

    @Override
    public CommandGroup group() {
        return CommandGroup.MACHINE;
    }

    @Override
    public Integer call() {
        CommandLine run = spec.root().commandLine();
        // This run may know no command but this one.
        CommandLine root = new Lab(run.getOut(), run.getErr()).commandLine(Lab.commands());
        root.getOut().println(AutoComplete.bash(root.getCommandName(), root));
        return 0;
    }
}
