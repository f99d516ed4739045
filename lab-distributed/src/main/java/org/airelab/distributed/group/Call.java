package org.airelab.distributed.group;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.airelab.torch.ScalarType;

/**
 * What a rank asks of a group, in the form in which ranks compare their calls.
 *
 * @param kind      the collective
 * @param type      of the elements
 * @param reduction of the collectives that reduce, else null
 * @param partner   who sends in a broadcast, whom a send or receive concerns, as a rank of the group; else -1
 * @param count     elements: of the whole for all-reduce, broadcast, send and receive, of one rank's part for
 *                  reduce-scatter and all-gather
 */
public record Call(Kind kind, ScalarType type, Reduction reduction, int partner, long count) {
    /** Of a call in which no rank stands out. */
    public static final int NOBODY = -1;
    /** Bytes of a written call. */
    public static final int BYTES = 5 * Long.BYTES;

    /** The collectives and the two sides of a message. */
    public enum Kind {
        ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, BROADCAST, BARRIER, SEND, RECEIVE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** Bytes of {@link #count} elements. */
    public long bytes() {
        return count * type.bytes();
    }

    /** Writes it for other ranks to read. */
    public void write(MemorySegment memory, long offset) {
        memory.set(JAVA_LONG_UNALIGNED, offset, kind.ordinal());
        memory.set(JAVA_LONG_UNALIGNED, offset + 8, type.ordinal());
        memory.set(JAVA_LONG_UNALIGNED, offset + 16, reduction == null ? -1 : reduction.ordinal());
        memory.set(JAVA_LONG_UNALIGNED, offset + 24, partner);
        memory.set(JAVA_LONG_UNALIGNED, offset + 32, count);
    }

    /** Reads what another rank, a process of the same build, has written. */
    public static Call read(MemorySegment memory, long offset) {
        int reduction = (int) memory.get(JAVA_LONG_UNALIGNED, offset + 16);
        return new Call(Kind.values()[(int) memory.get(JAVA_LONG_UNALIGNED, offset)],
                ScalarType.values()[(int) memory.get(JAVA_LONG_UNALIGNED, offset + 8)],
                reduction < 0 ? null : Reduction.values()[reduction],
                (int) memory.get(JAVA_LONG_UNALIGNED, offset + 24), memory.get(JAVA_LONG_UNALIGNED, offset + 32));
    }

    /** In words, such as "all-reduce (sum) of 100 float32 values", with ranks counted in the whole run. */
    String describe(ProcessGroup group) {
        if (kind == Kind.BARRIER) {
            return kind.toString();
        }
        String what = kind + (reduction == null ? "" : " (" + reduction + ")") + " of " + count + " " + type
                + " values";
        return switch (kind) {
            case BROADCAST, RECEIVE -> what + " from " + group.who(partner);
            case SEND -> what + " to " + group.who(partner);
            default -> what;
        };
    }
}
