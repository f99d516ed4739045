package org.airelab.doctor;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one check found.
 *
 * @param name    what was looked for
 * @param found   what is there, in a few words
 * @param enables what it is good for
 * @param advice  what to do about a status other than {@link Status#OK}; empty when there is nothing to do
 * @param details the same facts for programs: strings, numbers (bytes, bits, counts), booleans, lists and maps of them
 */
record Finding(String name, Status status, String found, String enables, String advice, Map<String, Object> details) {
    Finding {
        details = Collections.unmodifiableMap(new TreeMap<>(details));
    }

    static Finding ok(String name, String found, String enables, Map<String, Object> details) {
        return new Finding(name, Status.OK, found, enables, "", details);
    }

    static Finding absent(String name, String enables, String advice) {
        return new Finding(name, Status.ABSENT, "not found", enables, advice, Map.of());
    }
}
