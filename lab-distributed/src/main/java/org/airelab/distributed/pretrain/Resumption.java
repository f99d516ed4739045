package org.airelab.distributed.pretrain;

import java.lang.reflect.Member;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.airelab.checkpoint.CheckpointStore;
import org.airelab.distributed.launch.RunFolder;
import org.airelab.distributed.launch.World;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * What there is to say of a run that is interrupted: what is saved, and the command by which it goes on.
 *
 * @param run     its folder
 * @param command the command without the folder's name
 * @param starter who starts its ranks
 */
record Resumption(RunFolder run, String command, World.Source starter) {
    private static final Pattern PLAIN = Pattern.compile("[\\w./+:=,@%-]+");

    /** By the same ranks; all else is in the run's folder. */
    static Resumption of(RunFolder run, ParseResult asked, World.Source starter) {
        StringBuilder command = new StringBuilder("lab pretrain");
        for (OptionSpec option : asked.matchedOptions()) {
            if (option.userObject() instanceof Member member && member.getDeclaringClass() == RankOptions.class) {
                command.append(' ').append(option.longestName());
                option.originalStringValues().stream().filter(_ -> option.arity().max() > 0)
                        .forEach(value -> command.append(' ').append(quoted(value)));
            }
        }
        return new Resumption(run, command + " --resume", starter);
    }

    /** Tells it on standard error. */
    void tell() {
        System.err.println("  " + advice());
    }

    /** One line. */
    String advice() {
        if (!run.begun()) {
            return "Nothing was saved: training had not begun.";
        }
        List<Long> steps = new CheckpointStore(run.path(), 1).steps();
        String resume = (starter == World.Source.NONE ? ": " : ", by the same launcher: ") + command + " "
                + quoted(run.path().toString());
        return steps.isEmpty() ? "No step was saved yet; to start over" + resume
                : String.format(Locale.ROOT, "Step %,d is saved; to go on from there%s", steps.getLast(), resume);
    }

    /** As a shell takes it for one word. */
    private static String quoted(String word) {
        return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
