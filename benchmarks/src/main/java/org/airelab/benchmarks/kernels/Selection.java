package org.airelab.benchmarks.kernels;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;

/**
 * What is to be measured or tested of all there is. Libraries are not chosen: what is compared with one brings it
 * along.
 *
 * @param families in this order
 * @param shape    found in the names of the shapes that are taken
 * @param dtypes   element types
 * @param kernels  names of rungs; all for none
 */
record Selection(List<Family<?>> families, Pattern shape, Set<DType> dtypes, Set<String> kernels) {
    /** All of some families. */
    static Selection of(List<Family<?>> families) {
        return new Selection(families, Pattern.compile(""), Set.of(DType.values()), Set.of());
    }

    /**
     * The ladders of a target that it leaves something of. Quick runs know a shape of each operation, unless they are
     * asked for others.
     *
     * @throws UserError (bad input) when that is nothing, or there is no rung of a name
     */
    List<Ladder> of(Target target, boolean quick) {
        boolean few = quick && shape.pattern().isEmpty();
        List<Ladder> all = families.stream().flatMap(family -> target.ladders(family, few).stream()).toList();
        if (all.isEmpty()) {
            throw UserError.badInput("there are no kernels of " + String.join(", ", families.stream().map(Family::name)
                    .toList()) + " for " + target.name(), "Name other families, or use --device cpu.");
        }
        return choose(all);
    }

    /**
     * What it leaves of some ladders.
     *
     * @throws UserError (bad input) when that is nothing, or there is no rung of a name
     */
    List<Ladder> choose(List<Ladder> all) {
        List<String> known = distinct(all.stream().flatMap(ladder -> ladder.kernels().stream()));
        kernels.stream().filter(kernel -> !known.contains(kernel)).findFirst().ifPresent(kernel -> {
            throw UserError.badInput("unknown kernel " + kernel + "; known here are " + String.join(", ", known),
                    "Name one of them.");
        });
        List<Ladder> chosen = left(all);
        if (chosen.isEmpty()) {
            throw UserError.badInput("nothing has all of what was asked for; there are the shapes " + String.join(", ",
                    distinct(all.stream().map(ladder -> ladder.workload().shape()))) + " in "
                    + String.join(", ", distinct(all.stream().map(ladder -> ladder.dtype().toString()))),
                    "Ask for some of these.");
        }
        return chosen;
    }

    /** The same, be it nothing. */
    List<Ladder> left(List<Ladder> ladders) {
        return ladders.stream().filter(ladder -> shape.matcher(ladder.workload().shape()).find()
                && dtypes.contains(ladder.dtype())).map(ladder -> ladder.only(kernels))
                .filter(ladder -> !ladder.kernels().isEmpty()).toList();
    }

    private static List<String> distinct(Stream<String> names) {
        return names.distinct().toList();
    }
}
