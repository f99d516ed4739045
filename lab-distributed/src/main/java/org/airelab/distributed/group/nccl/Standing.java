package org.airelab.distributed.group.nccl;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.airelab.distributed.group.Call;

/**
 * How far a rank has come with the calls of a channel, which all its ranks count alike.
 *
 * @param finished calls that are over on its device
 * @param last     the last of them; null before the first
 * @param current  the next one, if its device has come to it, else null
 */
record Standing(long finished, Call last, Call current) {
    private static final String NONE = "-";

    /** Its call of a number, from 1; null when it is not at it or that is long ago. */
    Call call(long number) {
        return number == finished ? last : number == finished + 1 ? current : null;
    }

    /** Whether it has not come to a call yet. */
    boolean before(long number) {
        return finished < number - 1 || finished == number - 1 && current == null;
    }

    /** As a text for other ranks, processes of the same build. */
    String write() {
        return finished + " " + write(last) + " " + write(current);
    }

    /** Reads such a text; null for null. */
    static Standing read(String text) {
        if (text == null) {
            return null;
        }
        String[] words = text.split(" ");
        return new Standing(Long.parseLong(words[0]), call(words[1]), call(words[2]));
    }

    private static String write(Call call) {
        if (call == null) {
            return NONE;
        }
        byte[] bytes = new byte[Call.BYTES];
        call.write(MemorySegment.ofArray(bytes), 0);
        return HexFormat.of().formatHex(bytes);
    }

    private static Call call(String word) {
        return word.equals(NONE) ? null : Call.read(MemorySegment.ofArray(HexFormat.of().parseHex(word)), 0);
    }
}
