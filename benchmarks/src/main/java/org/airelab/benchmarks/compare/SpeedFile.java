package org.airelab.benchmarks.compare;

import java.util.Map;

/**
 * What a comparison needs of a report. Samples are times of a call, in milliseconds, one list for each JVM.
 *
 * @param rows      by their keys, in the report's order
 * @param baselines of libtorch, by workload; empty where the report has none
 * @param facts     what should be equal in two reports that are compared, by name
 */
record SpeedFile(Map<String, double[][]> rows, Map<String, double[][]> baselines, Map<String, String> facts) {
}
