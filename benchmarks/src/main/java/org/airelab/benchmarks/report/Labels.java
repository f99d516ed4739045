package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds places for short words beside dots of a picture, where they cover neither dots nor each other. */
final class Labels {
    /** From a dot to its word. */
    private static final double GAP = 5;
    private static final double HEIGHT = 9;
    /** Around a word, for the white edge that {@link Html}'s style gives it. */
    private static final double EDGE = 1;
    /** Directions in which a word may stand, the best first: x to the right, y down. */
    private static final double[][] DIRECTIONS = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}};
    private static final int FARTHEST = 10;

    private final List<Box> taken = new ArrayList<>();

    /** A rectangle of the picture. */
    private record Box(double left, double top, double right, double bottom) {
        boolean overlaps(Box other) {
            return Math.min(right, other.right) > Math.max(left, other.left)
                    && Math.min(bottom, other.bottom) > Math.max(top, other.top);
        }
    }

    /**
     * Where a word stands.
     *
     * @param x     where it begins
     * @param y     its baseline
     * @param width of the word
     * @param apart whether it is so far from its dot that a line has to lead there
     */
    record Place(double x, double y, double width, boolean apart) {
        double middleX() {
            return x + width / 2;
        }

        double middleY() {
            return y - HEIGHT / 2;
        }
    }

    /** Nothing will be written over this dot. */
    void keepClear(double x, double y, double radius) {
        keepClear(x - radius, y - radius, x + radius, y + radius);
    }

    /** Nor over this rectangle. */
    void keepClear(double left, double top, double right, double bottom) {
        taken.add(new Box(left, top, right, bottom));
    }

    /** The nearest place of a word of some characters for the dot at (x, y); empty where all are taken. */
    Optional<Place> beside(double x, double y, int characters) {
        double width = characters * Svg.CHARACTER;
        for (int distance = 1; distance <= FARTHEST; distance++) {
            for (double[] direction : DIRECTIONS) {
                double left = x + direction[0] * (distance * GAP + width / 2) - width / 2;
                double bottom = y + direction[1] * (distance * GAP + HEIGHT / 2) + HEIGHT / 2;
                Box box = new Box(left - EDGE, bottom - HEIGHT - EDGE, left + width + EDGE, bottom + EDGE);
                if (taken.stream().noneMatch(box::overlaps)) {
                    taken.add(box);
                    return Optional.of(new Place(left, bottom, width, distance > 1));
                }
            }
        }
        return Optional.empty();
    }
}
