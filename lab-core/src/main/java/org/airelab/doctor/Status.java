package org.airelab.doctor;

import java.util.Locale;

/** How a check ended. */
enum Status {
    /** There, and fit for use. */
    OK("ok"),
    /** There, but not fit for all it is wanted for. */
    WARNING("!"),
    /** Not there, and the lab works without it, only less. */
    ABSENT("-"),
    /** Not there, and the lab does not work without it. */
    MISSING("XX");

    private final String mark;

    Status(String mark) {
        this.mark = mark;
    }

    /** At most two characters for the table. */
    String mark() {
        return mark;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
