/**
 * What changed between two speed reports, with its uncertainty: {@code lab compare}. May use {@code base} and
 * {@code report}.
 */
package org.airelab.benchmarks.compare;
