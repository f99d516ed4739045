package org.airelab.cli;

/** Text wrapped to a terminal of 80 columns. */
public final class Paragraph {
    /** Columns of a line, its end not counted. */
    public static final int WIDTH = 80;

    private Paragraph() {
    }

    /**
     * Lines of at most {@link #WIDTH} columns that end with a line separator each, broken at spaces; a word that
     * does not fit on a line alone, such as a path, sticks out.
     *
     * @param first  what the first line begins with
     * @param others what the other lines begin with
     */
    public static String wrap(String text, String first, String others) {
        var lines = new StringBuilder();
        var line = new StringBuilder(first);
        boolean empty = true;
        for (String word : text.split(" ")) {
            if (!empty && line.length() + 1 + word.length() > WIDTH) {
                lines.append(line).append(System.lineSeparator());
                line = new StringBuilder(others);
                empty = true;
            }
            line.append(empty ? "" : " ").append(word);
            empty = false;
        }
        return lines.append(line).append(System.lineSeparator()).toString();
    }
}
