package org.airelab.benchmarks.kernels;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import org.airelab.base.Nearest;
import org.airelab.base.UserError;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.Families;
import org.airelab.kernels.Family;

/** Kernel families as users name them. */
final class FamilyNames {
    private FamilyNames() {
    }

    /**
     * The families of those names in their order, each once; all that there are workloads of for no name.
     *
     * @throws UserError (bad input) for a name that is none
     */
    static List<Family<?>> parse(List<String> names) {
        List<Family<?>> all = Families.all().stream().filter(family -> !Workloads.of(family).isEmpty()).toList();
        if (names.isEmpty()) {
            return all;
        }
        List<String> known = all.stream().map(Family::name).toList();
        List<Family<?>> chosen = new ArrayList<>();
        for (String name : new LinkedHashSet<>(names)) {
            if (!known.contains(name)) {
                throw UserError.badInput("unknown family " + name + "; known are " + String.join(", ", known),
                        Nearest.to(name, known).map(near -> "Did you mean " + near + "?").orElse("Name one of them."));
            }
            chosen.add(all.get(known.indexOf(name)));
        }
        return chosen;
    }
}
