package org.airelab.distributed.group;

import java.time.Duration;
import org.airelab.base.UserError;

/** The sentences, each without a full stop, in which a group says why it cannot go on. */
public final class Failures {
    private static final String ADVICE =
            "Look for what that rank itself has reported, then start all ranks again from the last checkpoint.";

    private Failures() {
    }

    /** The error for one about ranks that have not met: there is nothing yet to go back to. */
    public static UserError atStart(String sentence) {
        return UserError.lost(sentence,
                "Look whether that rank was started, and for what it has itself reported; then start all ranks again.");
    }

    /** The error for one of the sentences. */
    public static UserError error(String sentence) {
        return UserError.lost(sentence, ADVICE);
    }

    /**
     * Two ranks called different things.
     *
     * @param number of the call, which all ranks count alike
     */
    public static String mismatch(ProcessGroup group, long number, Call mine, int other, Call others) {
        // The lower rank first: then all ranks say it in the same words.
        boolean meFirst = group.rank() < other;
        return "the ranks disagree about collective " + number + " of group " + group.name() + ": "
                + side(group, meFirst ? group.rank() : other, meFirst ? mine : others) + ", and "
                + side(group, meFirst ? other : group.rank(), meFirst ? others : mine);
    }

    private static String side(ProcessGroup group, int rank, Call call) {
        return group.who(rank) + " called " + call.describe(group);
    }

    /** A message is not what the receiver expected. */
    public static String wrongMessage(ProcessGroup group, Call expected, Call sent) {
        return group.who(group.rank()) + " expected a message of " + expected.count() + " " + expected.type()
                + " values from " + group.who(expected.partner()) + " in group " + group.name() + ", which sent "
                + sent.count() + " " + sent.type() + " values";
    }

    /** A rank did not do its part in time. */
    public static String late(ProcessGroup group, int other, Call call, Duration limit) {
        return group.who(other) + " has not done its part of " + group.describe(call) + " within " + seconds(limit);
    }

    /** A rank can no longer do its part. */
    public static String lost(ProcessGroup group, int other, Call call, String why) {
        // What is put between commas has a second one.
        return group.who(other) + " " + why + (why.contains(",") ? "," : "") + " while " + group.who(group.rank())
                + " waited for it in " + group.describe(call);
    }

    /** What is wrong with a rank that gives no sign of life, as the end of a sentence. */
    public static String silent(Duration limit) {
        return "has given no sign of life for " + seconds(limit) + ", it may have been stopped";
    }

    /** A rank cannot go on. */
    public static String stopped(ProcessGroup group, Throwable cause) {
        String message = cause.getMessage() == null ? cause.getClass().getSimpleName()
                : cause.getMessage().lines().findFirst().orElse("").replaceFirst("\\.$", "");
        return group.who(group.rank()) + " stopped: " + message;
    }

    /** A rank's error: what its machine lacks is said with its name, as other ranks' need not lack it. */
    public static UserError ofRank(int rank, UserError error) {
        return error.exitCode() != UserError.MACHINE || error.getMessage().startsWith("rank ") ? error
                : UserError.machine("rank " + rank + " stopped: " + error.getMessage(), error.advice(), error);
    }

    /** A time in words. */
    public static String seconds(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }
}
