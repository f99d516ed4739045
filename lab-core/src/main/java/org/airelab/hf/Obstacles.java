package org.airelab.hf;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Collects what keeps a model out of a class. */
final class Obstacles {
    private final List<String> list = new ArrayList<>();

    /** Notes an option that has another value than the class needs. */
    void unless(boolean fits, String needed, Object found) {
        if (!fits) {
            list.add(needed + " (found " + found.toString().toLowerCase(Locale.ROOT) + ")");
        }
    }

    List<String> list() {
        return List.copyOf(list);
    }
}
