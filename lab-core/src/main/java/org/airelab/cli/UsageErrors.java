package org.airelab.cli;

import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.airelab.base.Nearest;
import org.airelab.base.UserError;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line, and which valid word is nearest to a wrong one. */
final class UsageErrors {
    private static final Pattern WHOLE = Pattern.compile("[-+]?\\d+");

    private UsageErrors() {
    }

    /** The failure picocli found in the arguments. */
    static Failure describe(ParameterException e) {
        CommandLine command = e.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        String see = "See " + name + " --help.";
        // A mistyped option or command also leaves something missing: the word itself says more.
        var unmatched = command.getUnmatchedArguments();
        if ((e instanceof UnmatchedArgumentException || e instanceof MissingParameterException)
                && !unmatched.isEmpty()) {
            return unmatched(command, name, unmatched.getFirst(), see);
        }
        return new Failure(wrongValue(e).orElseGet(() -> sentence(e.getMessage())), see, UserError.BAD_INPUT, e);
    }

    /** What is expected of an option or parameter whose value was not understood. */
    private static Optional<String> wrongValue(ParameterException e) {
        if (e.getArgSpec() == null || e.getValue() == null) {
            return Optional.empty();
        }
        Class<?> type = e.getArgSpec().auxiliaryTypes()[0];
        String name = e.getArgSpec() instanceof OptionSpec option ? option.longestName() : e.getArgSpec().paramLabel();
        String found = ", found " + (e.getValue().isBlank() ? "'" + e.getValue() + "'" : e.getValue());
        if (e.getCause() instanceof PatternSyntaxException wrong) {
            return Optional.of("expected " + name + " to be a regular expression" + found + ": "
                    + wrong.getDescription().toLowerCase(Locale.ROOT));
        }
        if (type.isEnum()) {
            return Optional.of("expected " + name + " to be " + Stream.of(type.getEnumConstants())
                    .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(" or ")) + found);
        }
        return kind(type, e.getValue()).map(kind -> "expected " + name + " to be " + kind + found);
    }

    /** A whole number of too many digits is told how far they go. */
    private static Optional<String> kind(Class<?> type, String found) {
        boolean isInt = type == int.class || type == Integer.class;
        if (isInt || type == long.class || type == Long.class) {
            String limits = isInt ? " from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE
                    : " from " + Long.MIN_VALUE + " to " + Long.MAX_VALUE;
            return Optional.of("a whole number" + (WHOLE.matcher(found).matches() ? limits : ""));
        }
        if (type == Path.class) {
            return Optional.of("a path");
        }
        return type == double.class || type == Double.class ? Optional.of("a number") : Optional.empty();
    }

    private static Failure unmatched(CommandLine command, String name, String word, String see) {
        if (word.startsWith("-")) {
            String option = word.contains("=") ? word.substring(0, word.indexOf('=')) : word;
            return wrong(name + " has no option " + option, option, optionNames(command), see);
        }
        if (!command.getSubcommands().isEmpty()) {
            var valid = command.getSubcommands().keySet();
            return wrong(name + " has no command " + word + ", only " + String.join(", ", valid), word, valid, see);
        }
        return new Failure(name + " takes no further argument, but '" + word + "' was given", see,
                UserError.BAD_INPUT, null);
    }

    private static Failure wrong(String message, String word, Collection<String> valid, String see) {
        Optional<String> nearest = Nearest.to(word, valid);
        String advice = nearest.map(n -> "Did you mean " + n + "? ").orElse("") + see;
        return new Failure(message, advice, UserError.BAD_INPUT, null);
    }

    private static Collection<String> optionNames(CommandLine command) {
        var names = new LinkedHashSet<String>();
        command.getCommandSpec().options().stream().filter(option -> !option.hidden())
                .forEach(option -> names.addAll(List.of(option.names())));
        return names;
    }

    /** picocli's messages as a sentence within a line: no capital letter, no line break. */
    private static String sentence(String message) {
        String line = message.lines().map(String::strip).reduce((a, b) -> a + " " + b).orElse("wrong usage");
        return line.substring(0, 1).toLowerCase(Locale.ROOT) + line.substring(1);
    }
}
