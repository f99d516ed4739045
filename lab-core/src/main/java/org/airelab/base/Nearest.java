package org.airelab.base;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds what a mistyped word was meant to be. */
public final class Nearest {
    private Nearest() {
    }

    /**
     * The candidate nearest to {@code word}, or nothing when none is near enough to be worth suggesting: at most
     * a third of the longer one's characters may differ, or one is a beginning of at least three characters of
     * the other. Case is ignored. Of equally near candidates the first one wins.
     */
    public static Optional<String> to(String word, Collection<String> candidates) {
        String wanted = word.toLowerCase(Locale.ROOT);
        String best = null;
        double bestDistance = Double.POSITIVE_INFINITY;
        for (String candidate : candidates) {
            String name = candidate.toLowerCase(Locale.ROOT);
            double distance = distance(wanted, name);
            if (distance > Math.max(wanted.length(), name.length()) / 3.0) {
                distance = startsAlike(wanted, name) ? Integer.MAX_VALUE : Double.POSITIVE_INFINITY;
            }
            if (distance < bestDistance) {
                best = candidate;
                bestDistance = distance;
            }
        }
        return Optional.ofNullable(best);
    }

    private static boolean startsAlike(String a, String b) {
        return Math.min(a.length(), b.length()) >= 3 && (a.startsWith(b) || b.startsWith(a));
    }

    /**
     * Insertions, deletions, substitutions and swaps of neighbours that turn {@code a} into {@code b}
     * (the optimal string alignment distance).
     */
    public static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    d[i][j] = i + j;
                    continue;
                }
                int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                d[i][j] = Math.min(d[i - 1][j - 1] + substitution, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
