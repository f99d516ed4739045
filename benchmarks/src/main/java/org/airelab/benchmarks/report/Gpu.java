package org.airelab.benchmarks.report;

import java.util.List;
import java.util.TreeSet;
import org.airelab.kernels.cuda.GpuReadings;

/**
 * The GPU a report was measured on.
 *
 * @param model what it is
 * @param loads how it did, in one JVM after the other; none where NVML does not tell
 */
public record Gpu(Model model, List<Load> loads) {
    /**
     * What does not change from run to run.
     *
     * @param name            such as NVIDIA H100 80GB HBM3
     * @param architecture    compute capability as {@code 10 * major + minor}
     * @param multiprocessors streaming multiprocessors
     * @param memoryBytes     its memory
     * @param l2Bytes         its second-level cache
     * @param cuda            the newest CUDA its driver serves
     * @param compiler        what compiled the kernels, and its version
     */
    public record Model(String name, int architecture, int multiprocessors, long memoryBytes, long l2Bytes, String cuda,
            String compiler) {
    }

    /**
     * Readings by NVML, each right after a sample; -1 for what the GPU does not tell.
     *
     * @param smMegahertzLeast   lowest clock of the multiprocessors
     * @param smMegahertzMedian  median clock
     * @param smMegahertzHighest what the clock could be
     * @param memoryMegahertz    lowest clock of the memory
     * @param wattsMost          highest power
     * @param celsiusFirst       first temperature
     * @param celsiusMost        highest temperature
     * @param throttledPercent   samples after which something held the clock down
     * @param throttling         what did
     */
    public record Load(int smMegahertzLeast, int smMegahertzMedian, int smMegahertzHighest, int memoryMegahertz,
            double wattsMost, int celsiusFirst, int celsiusMost, double throttledPercent, List<String> throttling) {
        /** The summary of readings in their order, at least one. */
        public static Load of(List<GpuReadings> readings) {
            int[] clocks = readings.stream().mapToInt(GpuReadings::smMegahertz).sorted().toArray();
            long throttled = readings.stream().filter(reading -> !reading.throttling().isEmpty()).count();
            TreeSet<String> reasons = new TreeSet<>();
            readings.forEach(reading -> reasons.addAll(reading.throttling()));
            return new Load(clocks[0], clocks[clocks.length / 2], readings.getFirst().maxSmMegahertz(),
                    readings.stream().mapToInt(GpuReadings::memoryMegahertz).min().orElseThrow(),
                    readings.stream().mapToDouble(GpuReadings::watts).max().orElseThrow(),
                    readings.getFirst().celsius(),
                    readings.stream().mapToInt(GpuReadings::celsius).max().orElseThrow(),
                    100.0 * throttled / readings.size(), List.copyOf(reasons));
        }
    }
}
