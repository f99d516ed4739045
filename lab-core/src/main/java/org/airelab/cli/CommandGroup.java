package org.airelab.cli;

/** The headings of {@code lab --help}, in the order they are printed. */
public enum CommandGroup {
    /** Training runs. */
    TRAIN("Train"),
    /** What is done with a trained model. */
    MODELS("Use a model"),
    /** Tokenizers and token files. */
    DATA("Text and tokens"),
    /** Kernels, their speed, and reports about it. */
    KERNELS("Kernels and speed"),
    /** Everything else about this machine and this program. */
    MACHINE("This machine");

    private final String heading;

    CommandGroup(String heading) {
        this.heading = heading;
    }

    /** The heading as a person reads it. */
    public String heading() {
        return heading;
    }
}
