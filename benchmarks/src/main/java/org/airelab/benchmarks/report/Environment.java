package org.airelab.benchmarks.report;

import java.util.List;
import java.util.Map;
import org.airelab.tracking.Hardware;

/**
 * Where and how a report was measured.
 *
 * @param date           when it began, ISO 8601 in UTC
 * @param device         cpu or cuda
 * @param hardware       the machine
 * @param cacheBytes     last-level cache of the processor
 * @param threads        threads of a kernel's loops
 * @param governor       Linux's policy for clocks, or unknown
 * @param megahertz      mean clock of the cores after the run; NaN when unknown
 * @param stolenPercent  processor time the hypervisor gave to other machines meanwhile
 * @param disturbedPercent samples during which other programs kept kernels from their cores
 * @param jvm            name and version
 * @param jvmFlags       as given
 * @param versions       of lab, java, djl and libtorch
 * @param commit         of the lab, or unknown
 * @param dirty          whether tracked files differ from it; null when unknown
 * @param mode           quick or full, and warm or cold
 * @param forks          JVMs each kernel was measured in
 * @param visits         samples in each
 * @param seconds        the run took
 * @param gpu            where device is cuda, else null
 * @param notes          what a reader has to know of what could not be measured
 * @param session        of builds that were measured in turn, equal in their reports; null for one alone
 */
public record Environment(String date, String device, Hardware hardware, long cacheBytes, int threads, String governor,
        double megahertz, double stolenPercent, double disturbedPercent, String jvm, String jvmFlags,
        Map<String, String> versions, String commit, Boolean dirty, String mode, int forks, int visits,
        double seconds, Gpu gpu, List<String> notes, String session) {
    /** Of a run on the CPU. */
    public Environment(String date, String device, Hardware hardware, long cacheBytes, int threads, String governor,
            double megahertz, double stolenPercent, double disturbedPercent, String jvm, String jvmFlags,
            Map<String, String> versions, String commit, Boolean dirty, String mode, int forks, int visits,
            double seconds) {
        this(date, device, hardware, cacheBytes, threads, governor, megahertz, stolenPercent, disturbedPercent, jvm,
                jvmFlags, versions, commit, dirty, mode, forks, visits, seconds, null, List.of(), null);
    }
}
