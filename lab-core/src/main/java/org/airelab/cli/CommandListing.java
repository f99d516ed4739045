package org.airelab.cli;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.IHelpSectionRenderer;

/** The list of commands in {@code lab --help}: by group, each with what it does and an example. */
final class CommandListing implements IHelpSectionRenderer {
    private final CommandLine root;

    CommandListing(CommandLine root) {
        this.root = root;
    }

    @Override
    public String render(Help help) {
        if (help.commandSpec() != root.getCommandSpec()) {
            return help.commandList();
        }
        int width = root.getSubcommands().keySet().stream().mapToInt(String::length).max().orElse(0);
        var text = new StringBuilder();
        for (CommandGroup group : CommandGroup.values()) {
            var lines = new StringBuilder();
            root.getSubcommands().forEach((name, command) -> {
                if (command.getCommand() instanceof LabCommand lab && lab.group() == group) {
                    lines.append(entry(name, command, width));
                }
            });
            if (!lines.isEmpty()) {
                text.append(System.lineSeparator()).append(help.colorScheme().text("@|bold " + group.heading() + "|@"))
                        .append(System.lineSeparator()).append(lines);
            }
        }
        return text.toString();
    }

    private static String entry(String name, CommandLine command, int width) {
        String[] description = command.getCommandSpec().usageMessage().description();
        String what = description.length > 0 ? description[0] : "";
        String indent = " ".repeat(width + 4);
        List<String> examples = examples(command);
        String example = examples.stream()
                .filter(line -> indent.length() + line.length() <= Paragraph.WIDTH).findFirst()
                .or(() -> examples.stream().min(Comparator.comparingInt(String::length)))
                .map(line -> indent + line + System.lineSeparator()).orElse("");
        return Paragraph.wrap(what, String.format("  %-" + width + "s  ", name), indent) + example;
    }

    /** The examples in a command's footer. */
    static List<String> examples(CommandLine command) {
        return Arrays.stream(command.getCommandSpec().usageMessage().footer()).map(String::strip)
                .filter(line -> line.startsWith("lab ")).toList();
    }
}
