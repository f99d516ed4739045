package org.airelab.cli;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Optional;
import org.airelab.base.Nearest;
import org.airelab.base.UserError;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line, and which valid word is nearest to a wrong one. */
final class UsageErrors {
    private UsageErrors() {
    }

    /** The failure picocli found in the arguments. */
    static Failure describe(ParameterException e) {
        CommandLine command = e.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        String see = "See " + name + " --help.";
        // A mistyped option or command also leaves something missing: the word itself says more.
        var unmatched = command.getUnmatchedArguments();
        if ((e instanceof UnmatchedArgumentException || e instanceof MissingParameterException) && !unmatched.isEmpty()) {
            return unmatched(command, name, unmatched.getFirst(), see);
        }
        return new Failure(sentence(e.getMessage()), see, UserError.BAD_INPUT, e);
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
                .forEach(option -> names.addAll(java.util.List.of(option.names())));
        return names;
    }

    /** picocli's messages as a sentence within a line: no capital letter, no line break. */
    private static String sentence(String message) {
        String line = message.lines().map(String::strip).reduce((a, b) -> a + " " + b).orElse("wrong usage");
        return line.substring(0, 1).toLowerCase(Locale.ROOT) + line.substring(1);
    }
}
