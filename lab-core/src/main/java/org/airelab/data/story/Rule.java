package org.airelab.data.story;

import java.util.List;

/** A choice between alternatives. The probabilities are positive and add up to one. */
record Rule(String name, List<Alternative> alternatives) {
    /** What a rule becomes with a probability. */
    record Alternative(double probability, List<Symbol> symbols) {
    }

    /** The surprise of a choice: {@code -sum p ln p}, in nats. */
    double entropy() {
        return alternatives.stream().mapToDouble(a -> -a.probability() * Math.log(a.probability())).sum();
    }
}
