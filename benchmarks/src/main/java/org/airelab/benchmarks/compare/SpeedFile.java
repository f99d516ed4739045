package org.airelab.benchmarks.compare;

import java.util.Map;

/**
 * What a comparison needs of a report. Samples are times of a call, in milliseconds, one list for each JVM.
 *
 * @param rows      by their keys, in the report's order
 * @param baselines of the libraries, by workload and the library's call; empty where the report has none
 * @param facts     what should be equal in two reports that are compared, by name
 * @param session   equal in reports whose builds were measured in turn, so that their samples are pairs; else null
 */
record SpeedFile(Map<String, double[][]> rows, Map<String, double[][]> baselines, Map<String, String> facts,
        String session) {
    /** Whether samples of the same place in both were taken one right after the other. */
    boolean inTurnWith(SpeedFile other) {
        return session != null && session.equals(other.session);
    }
}
