package org.airelab.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What every registered command owes: a group, help that fits a terminal, examples that parse, completion. */
class CommandsTest {
    private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|(\\S+)");

    private static CommandLine lab() {
        var nowhere = new PrintWriter(Writer.nullWriter());
        return new Lab(nowhere, nowhere).commandLine(Lab.commands());
    }

    /** All commands and the commands below them, by their names with spaces between. */
    static Stream<String> commands() {
        var names = new ArrayList<String>();
        collect(lab(), names);
        return names.stream();
    }

    private static void collect(CommandLine command, List<String> names) {
        command.getSubcommands().values().stream().filter(sub -> !sub.getCommandSpec().helpCommand()).forEach(sub -> {
            names.add(sub.getCommandSpec().qualifiedName().substring("lab ".length()));
            collect(sub, names);
        });
    }

    private static CommandLine find(String name) {
        CommandLine command = lab();
        for (String word : name.split(" ")) {
            command = command.getSubcommands().get(word);
        }
        return command;
    }

    @Test
    void commandsAreFound() {
        assertTrue(commands().toList().containsAll(List.of("completion", "doctor")));
    }

    @Test
    void aCommandThatIsNamedFirstIsReadAlone() {
        assertEquals(List.of("DoctorCommand"), Lab.commands("doctor", "completion").stream()
                .map(command -> command.getClass().getSimpleName()).toList());
        int all = Lab.commands().size();
        assertTrue(all >= 2);
        assertEquals(all, Lab.commands("--verbose", "doctor").size());
        assertEquals(all, Lab.commands("docter").size());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void helpFitsATerminal(String name) {
        LabTest.Result help = LabTest.run(Lab.commands(), (name + " --help").split(" "));
        assertEquals(0, help.exitCode(), help.err());
        help.out().lines().forEach(line -> assertTrue(line.length() <= 80, "longer than 80 columns: " + line));
        CommandListing.examples(find(name)).forEach(example ->
                assertTrue(help.out().lines().anyMatch(line -> line.strip().equals(example)), "broken: " + example));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void helpShowsAnExample(String name) {
        assertFalse(CommandListing.examples(find(name)).isEmpty(), name + " --help shows no example");
    }

    @ParameterizedTest
    @MethodSource("commands")
    void examplesParse(String name) {
        CommandListing.examples(find(name)).forEach(example -> lab().parseArgs(words(example)));
    }

    /** A shell's words after the first, up to a pipe or a redirection. */
    private static String[] words(String example) {
        var words = new ArrayList<String>();
        Matcher matcher = WORD.matcher(example.replaceFirst("\\s[|<>].*", ""));
        while (matcher.find()) {
            words.add(Stream.of(1, 2, 3).map(matcher::group).filter(group -> group != null).findFirst().orElseThrow());
        }
        return words.subList(1, words.size()).toArray(String[]::new);
    }

    @Test
    void theListOfCommandsFitsATerminal() {
        String help = LabTest.run(Lab.commands(), "--help").out();
        help.lines().filter(line -> !line.strip().startsWith("lab "))
                .forEach(line -> assertTrue(line.length() <= 80, "longer than 80 columns: " + line));
        lab().getSubcommands().forEach((name, command) -> {
            if (!command.getCommandSpec().helpCommand()) {
                assertTrue(CommandListing.examples(command).stream().anyMatch(help::contains), "no example of " + name);
            }
        });
    }

    @Test
    void bashCompletesCommandsAndOptions(@TempDir Path folder) throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "this machine has no /bin/bash");
        LabTest.Result script = LabTest.run(Lab.commands("completion"), "completion", "bash");
        assertEquals(0, script.exitCode());
        Path file = Files.writeString(folder.resolve("completion"), script.out());
        assertEquals("", bash("-n", file.toString()));
        assertEquals(script.out(), LabTest.run(Lab.commands(), "completion", "zsh").out());
        assertTrue(completions(file, "lab", "doc").contains("doctor"));
        assertTrue(completions(file, "lab", "doctor", "--j").contains("--json"));
        assertTrue(completions(file, "lab", "completion", "z").contains("zsh"));
        assertFalse(completions(file, "lab", "completion", "z").contains("bash"));
    }

    /** What a user who presses the tabulator key after these words is offered. */
    private static List<String> completions(Path script, String... words) throws Exception {
        String line = "source " + script + "; COMP_WORDS=(" + String.join(" ", words) + "); COMP_CWORD="
                + (words.length - 1) + "; _complete_lab; printf '%s\\n' \"${COMPREPLY[@]}\"";
        return bash("-c", line).lines().map(String::strip).toList();
    }

    private static String bash(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("/bin/bash", "--norc"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertTrue(process.waitFor(1, TimeUnit.MINUTES));
        assertEquals(0, process.exitValue(), output);
        return output;
    }
}
