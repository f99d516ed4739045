package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.List;

/** Finds places for short words beside dots of a picture, where they cover neither dots nor each other. */
final class Labels {
    /** From a dot to its word. */
    private static final double GAP = 5;
    private static final double HEIGHT = 9;
    /** Directions in which a word may stand, the best first: x to the right, y down. */
    private static final double[][] DIRECTIONS = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}};
    private static final int FARTHEST = 4;

    private final List<Box> taken = new ArrayList<>();

    /** A rectangle of the picture. */
    private record Box(double left, double top, double right, double bottom) {
        double overlap(Box other) {
            double across = Math.min(right, other.right) - Math.max(left, other.left);
            double down = Math.min(bottom, other.bottom) - Math.max(top, other.top);
            return across > 0 && down > 0 ? across * down : 0;
        }
    }

    /** Where a word begins, on its baseline. */
    record Place(double x, double y) {
    }

    /** Nothing will be written over this dot. */
    void keepClear(double x, double y, double radius) {
        taken.add(new Box(x - radius, y - radius, x + radius, y + radius));
    }

    /** The place of a word of some characters for the dot at (x, y); where all are taken, the least covered one. */
    Place beside(double x, double y, int characters) {
        double width = characters * Svg.CHARACTER;
        Box best = null;
        double least = Double.POSITIVE_INFINITY;
        for (int distance = 1; distance <= FARTHEST && least > 0; distance++) {
            for (double[] direction : DIRECTIONS) {
                double middleX = x + direction[0] * (distance * GAP + width / 2);
                double middleY = y + direction[1] * (distance * GAP + HEIGHT / 2);
                Box box = new Box(middleX - width / 2, middleY - HEIGHT / 2, middleX + width / 2,
                        middleY + HEIGHT / 2);
                double covered = taken.stream().mapToDouble(box::overlap).sum();
                if (covered < least) {
                    least = covered;
                    best = box;
                }
            }
        }
        taken.add(best);
        return new Place(best.left, best.bottom);
    }
}
