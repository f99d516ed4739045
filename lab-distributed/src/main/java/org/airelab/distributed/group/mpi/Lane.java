package org.airelab.distributed.group.mpi;

import java.util.ArrayDeque;
import java.util.function.UnaryOperator;

/** Operations that follow one another. Used by {@link MpiThread} alone. */
final class Lane {
    private final ArrayDeque<Operation> operations = new ArrayDeque<>();
    private final UnaryOperator<RuntimeException> onFailure;

    /**
     * An empty lane.
     *
     * @param onFailure is told of a failure, and says how to put it
     */
    Lane(UnaryOperator<RuntimeException> onFailure) {
        this.onFailure = onFailure;
    }

    /** Appends an operation; whether it is the only one. */
    boolean add(Operation operation) {
        operations.add(operation);
        return operations.size() == 1;
    }

    boolean isEmpty() {
        return operations.isEmpty();
    }

    /** Moves the first operation on; whether there was anything to do. */
    boolean advance() {
        Operation first = operations.peek();
        if (first == null) {
            return false;
        }
        try {
            boolean news = first.advance();
            if (first.ended()) {
                operations.remove();
                first.complete();
                return true;
            }
            return news;
        } catch (RuntimeException | Error e) {
            RuntimeException failure = onFailure.apply(
                    e instanceof RuntimeException exception ? exception : new IllegalStateException(e));
            operations.forEach(operation -> operation.fail(failure));
            operations.clear();
            return true;
        }
    }
}
