package org.airelab.benchmarks.report;

/**
 * One kernel on one workload. Times are milliseconds a call.
 *
 * @param family            kernel family
 * @param operation         such as forward
 * @param kernel            a rung of the family's ladder
 * @param device            cpu, or a GPU's name
 * @param dtype             element type of the big tensors
 * @param shape             sizes, for people
 * @param medianMs          median of all samples
 * @param p20Ms             their 20th percentile
 * @param p80Ms             their 80th percentile
 * @param tflops            10^12 floating-point operations a second; null where bytes are what counts
 * @param gbps              10^9 bytes a second of those that must be moved; null where operations are what counts
 * @param fractionOfPeak    the time that the roofline allows over the median; above 1 where data stay in a cache
 * @param baseline          the library's operators, with {@link #COMPOSED} where it takes several; null for none
 * @param baselineMedianMs  their median
 * @param ratio             baseline's median over the kernel's: above 1 where the kernel is faster
 * @param maxError          largest difference from the float64 reference, in units of the root mean square of its
 *                          tensor: of the tensors that the baseline gives too where its error is known, else of all
 * @param baselineMaxError  the baseline's
 * @param rounding          half a unit in the last place of the largest result of these tensors, in the same units:
 *                          what rounding it to its type may cost; null without a baseline's error, and in reports that
 *                          were made without
 * @param flops             floating-point operations of a call
 * @param bytes             bytes a call must move
 * @param samplesMs         one list for each JVM, in each a sample for each of its visits
 * @param baselineSamplesMs the baseline's
 */
public record Row(String family, String operation, String kernel, String device, String dtype, String shape,
        double medianMs, double p20Ms, double p80Ms, Double tflops, Double gbps, double fractionOfPeak, String baseline,
        Double baselineMedianMs, Double ratio, Double maxError, Double baselineMaxError, Double rounding, double flops,
        double bytes, double[][] samplesMs, double[][] baselineSamplesMs) {
    /** Marks a baseline that is no operator of the library's own, but several of its operators. */
    public static final String COMPOSED = ", one after another";
    /** The least ratio that is printed as 1.00 and so counts as even. */
    static final double EVEN = 0.995;

    /** What tells rows of a report apart, and by which two reports' rows are matched. */
    public String key() {
        return String.join("/", family, operation, shape, dtype, device, kernel);
    }

    /** Whether the row's error can be held against the baseline's. */
    boolean errorsCompared() {
        return maxError != null && baselineMaxError != null && rounding != null;
    }

    /**
     * Whether the kernel's error is more than twice the baseline's, which counts for no less than rounding the largest
     * result may cost: by chance, or where the exact results are numbers of the type, a library is off by less.
     */
    boolean lessExact() {
        return errorsCompared() && (maxError.isNaN() || maxError > 2 * Math.max(baselineMaxError, rounding));
    }

    /** The workload for people: its element type is named where it is not float32. */
    String title() {
        return family + " " + what();
    }

    /** The same without the family. */
    String what() {
        return operation + " " + shape + (dtype.equals(Report.FP32) ? "" : " " + dtype);
    }

    /** The library of the baseline, such as libtorch, or null. */
    String library() {
        return baseline == null ? null : baseline.split(":", 2)[0];
    }

    /** Whether the library has no operator of its own for the workload. */
    boolean composed() {
        return baseline != null && baseline.contains(COMPOSED);
    }

    /** Whether the library is the faster one, by more than the two decimals of a ratio hide. */
    boolean loses() {
        return ratio != null && ratio < EVEN;
    }

    /** The row's workload, equal for all rungs that did the same work. */
    String workload() {
        return String.join("/", family, operation, shape, dtype, device);
    }
}
