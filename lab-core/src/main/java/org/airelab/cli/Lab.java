package org.airelab.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.ServiceLoader.Provider;
import java.util.function.Supplier;
import org.airelab.base.Terminal;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;

/** The program {@code lab}. */
public final class Lab {
    private static final String VERBOSE = "--verbose";

    private final PrintWriter out;
    private final PrintWriter err;

    Lab(PrintWriter out, PrintWriter err) {
        this.out = out;
        this.err = err;
    }

    /** Runs one command and leaves with its exit code. */
    public static void main(String[] arguments) {
        StandardStreams.install();
        Interruption interruption = Interruption.watch();
        int exitCode = run(System.out, System.err, arguments);
        interruption.over();
        System.exit(exitCode);
    }

    /** Runs one command in this process, error messages going to the streams given, and returns its exit code. */
    public static int run(PrintStream out, PrintStream err, String... arguments) {
        return run(out, err, () -> commands(arguments), arguments);
    }

    /** Runs one of the commands, help and error messages going to the streams given, and returns its exit code. */
    static int run(PrintStream out, PrintStream err, Supplier<List<LabCommand>> commands, String... arguments) {
        var lab = new Lab(new PrintWriter(out, true), new PrintWriter(err, true));
        int exitCode;
        try {
            exitCode = lab.commandLine(commands.get()).execute(arguments);
            out.flush();
        } catch (Throwable failure) {
            // picocli hands exceptions to the handler below; errors and a closed standard output arrive here.
            exitCode = lab.report(failure, List.of(arguments).contains(VERBOSE));
        }
        err.flush();
        return exitCode;
    }

    /**
     * Of the commands of every module on the class path the one the arguments begin with, else all of them: each
     * takes picocli some milliseconds to read.
     */
    static List<LabCommand> commands(String... arguments) {
        List<Provider<LabCommand>> all = ServiceLoader.load(LabCommand.class).stream().toList();
        List<Provider<LabCommand>> named = all.stream()
                .filter(command -> arguments.length > 0 && name(command.type()).equals(arguments[0])).toList();
        return (named.isEmpty() ? all : named).stream().map(Provider::get).toList();
    }

    private static String name(Class<? extends LabCommand> command) {
        Command annotation = command.getAnnotation(Command.class);
        return annotation == null ? "" : annotation.name();
    }

    /** The whole tree of commands, ready to parse and execute. */
    CommandLine commandLine(List<LabCommand> commands) {
        var root = new CommandLine(new Root());
        for (LabCommand command : commands) {
            root.addSubcommand(command);
        }
        addCommonOptions(root);
        root.setOut(out).setErr(err)
                .setColorScheme(CommandLine.Help.defaultColorScheme(colour() ? Ansi.ON : Ansi.OFF))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Path.class, Lab::path)
                .setExecutionStrategy(Lab::execute)
                .setParameterExceptionHandler((failure, arguments) -> UsageErrors.describe(failure).print(err, false))
                .setExecutionExceptionHandler((failure, command, parsed) -> report(failure, verbose(parsed)));
        root.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, new CommandListing(root));
        return root;
    }

    private static void addCommonOptions(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        if (!spec.optionsMap().containsKey("--help") && !spec.helpCommand()) {
            spec.addOption(OptionSpec.builder("-h", "--help").usageHelp(true)
                    .description("Show this help and exit.").build());
        }
        if (!spec.optionsMap().containsKey(VERBOSE) && !spec.helpCommand()) {
            spec.addOption(OptionSpec.builder(VERBOSE).type(boolean.class)
                    .description("Show stack traces of errors.").build());
        }
        if (!CommandListing.examples(command).isEmpty() && spec.usageMessage().footerHeading().isEmpty()) {
            spec.usageMessage().footerHeading("%nExamples:%n");
        }
        command.getSubcommands().values().forEach(Lab::addCommonOptions);
    }

    /** An empty word, mostly of a variable of the shell that is not set, would be the working folder. */
    private static Path path(String word) {
        if (word.isBlank()) {
            throw new TypeConversionException("an empty path");
        }
        return Path.of(word);
    }

    private static int execute(ParseResult parsed) {
        try {
            return executeLast(parsed);
        } catch (UncheckedIOException e) {
            // Standard output failed under a help text; picocli would print the stack trace.
            throw new ExecutionException(parsed.commandSpec().commandLine(), e.getMessage(), e);
        }
    }

    private static int executeLast(ParseResult parsed) {
        Integer help = CommandLine.executeHelpRequest(parsed);
        if (help != null) {
            return help;
        }
        CommandLine last = parsed.asCommandLineList().getLast();
        if (last.getCommand() instanceof Root) {
            last.usage(last.getOut());
            return CommandLine.ExitCode.OK;
        }
        if (!last.getSubcommands().isEmpty()) {
            throw new ParameterException(last, last.getCommandSpec().qualifiedName() + " needs one of its commands: "
                    + String.join(", ", last.getSubcommands().keySet()));
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    private static boolean verbose(ParseResult parsed) {
        return parsed.asCommandLineList().stream()
                .anyMatch(command -> command.getParseResult().hasMatchedOption(VERBOSE));
    }

    private int report(Throwable failure, boolean verbose) {
        out.flush();
        return Failure.of(failure).print(err, verbose);
    }

    private static boolean colour() {
        return Terminal.output() && System.getenv("NO_COLOR") == null;
    }

    /** {@code lab} itself. */
    @Command(name = "lab", versionProvider = Version.class, subcommands = HelpCommand.class,
            synopsisSubcommandLabel = "COMMAND", commandListHeading = "",
            description = "A training lab for AI research engineers on the JVM.",
            footer = {"", "Run 'lab COMMAND --help' for all about one command."})
    static final class Root {
        @CommandLine.Option(names = {"-V", "--version"}, versionHelp = true, description = "Show the version and exit.")
        private boolean version;
    }
}
