package org.airelab.kernels.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A kernel's arguments: their check against its parameters, and their form in native memory. */
final class KernelArguments {
    private static final int UNKNOWN = 0;

    private KernelArguments() {
    }

    /**
     * Checks number and sizes.
     *
     * @param parameters bytes of each parameter of the kernel, 0 where that is not known
     * @throws IllegalArgumentException saying what was expected and what was found
     */
    static void check(String entry, List<Integer> parameters, Object... arguments) {
        if (arguments.length != parameters.size()) {
            throw new IllegalArgumentException(entry + ": expected " + parameters.size() + " arguments, found "
                    + arguments.length);
        }
        for (int i = 0; i < arguments.length; i++) {
            int bytes = bytes(entry, i, arguments[i]);
            int expected = parameters.get(i);
            if (expected != UNKNOWN && bytes != expected) {
                throw new IllegalArgumentException(entry + ": expected argument " + i + " to have " + expected
                        + " bytes, found " + bytes + " of " + kind(arguments[i]));
            }
        }
    }

    /** What {@code cuLaunchKernel} calls kernelParams: an array of pointers to the values. */
    static MemorySegment pack(Arena arena, String entry, Object... arguments) {
        // No allocation is empty: a kernel without parameters gets a pointer, too.
        MemorySegment pointers = arena.allocate(ADDRESS, Math.max(1, arguments.length));
        MemorySegment values = arena.allocate(JAVA_LONG, Math.max(1, arguments.length));
        for (int i = 0; i < arguments.length; i++) {
            MemorySegment value = values.asSlice(Long.BYTES * (long) i, Long.BYTES);
            switch (arguments[i]) {
                case null -> value.set(JAVA_LONG, 0, 0);
                case MemorySegment memory -> value.set(JAVA_LONG, 0, memory.address());
                case Integer number -> value.set(JAVA_INT, 0, number);
                case Long number -> value.set(JAVA_LONG, 0, number);
                case Float number -> value.set(JAVA_FLOAT, 0, number);
                case Double number -> value.set(JAVA_DOUBLE, 0, number);
                case TensorMap map -> value = map.memory();
                default -> throw unknownKind(entry, i, arguments[i]);
            }
            pointers.setAtIndex(ADDRESS, i, value);
        }
        return pointers;
    }

    private static int bytes(String entry, int index, Object argument) {
        return switch (argument) {
            case null -> Long.BYTES;
            case MemorySegment memory when !memory.isNative() -> throw new IllegalArgumentException(entry
                    + ": expected argument " + index + " to be device memory, found a segment of Java's heap");
            case MemorySegment _ -> Long.BYTES;
            case Integer _ -> Integer.BYTES;
            case Long _ -> Long.BYTES;
            case Float _ -> Float.BYTES;
            case Double _ -> Double.BYTES;
            case TensorMap _ -> TensorMap.BYTES;
            default -> throw unknownKind(entry, index, argument);
        };
    }

    private static String kind(Object argument) {
        return argument instanceof MemorySegment || argument == null ? "a pointer"
                : "the " + argument.getClass().getSimpleName() + " " + argument;
    }

    private static IllegalArgumentException unknownKind(String entry, int index, Object argument) {
        return new IllegalArgumentException(entry + ": expected argument " + index + " to be a MemorySegment, Integer, "
                + "Long, Float, Double or TensorMap, found a " + argument.getClass().getName());
    }
}
