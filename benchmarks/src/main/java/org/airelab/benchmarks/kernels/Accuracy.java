package org.airelab.benchmarks.kernels;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.torch.Tensor;

/**
 * How far a kernel's results are from the float64 reference's: the largest difference of two elements in units of the
 * root mean square of the reference's tensor, over all tensors a call writes. NaN where one of the two has NaN and the
 * other has not.
 */
final class Accuracy {
    private static final long SEED = 20_240_601;

    /**
     * A kernel's results beside the reference's.
     *
     * @param errors   one for each tensor it gives, in the order of those that a call writes
     * @param rounding what rounding the largest result of these tensors may cost: see {@link #rounding}
     */
    record Comparison(List<Double> errors, double rounding) {
        /** The largest error. */
        double error() {
            return error(errors.size());
        }

        /** The largest error of the first tensors. */
        double error(int tensors) {
            return errors.stream().limit(tensors).reduce(0.0, Math::max);
        }
    }

    private Accuracy() {
    }

    /** The reference's results for a workload, to be compared with several kernels'. */
    static List<float[]> reference(Workload<?> workload) {
        try (BoundWorkload<? extends Rung> bound = new BoundWorkload<>(workload, SEED)) {
            bound.reference().run();
            return bound.results();
        }
    }

    /** Results beside the reference's, of as many tensors as there are. */
    static Comparison compare(Workload<?> workload, DType dtype, List<float[]> reference, List<float[]> actual) {
        return new Comparison(errors(reference, actual),
                rounding(workload, dtype, reference.subList(0, actual.size())));
    }

    /** The results of a kernel, a rung or libtorch. */
    static List<float[]> results(Workload<?> workload, String kernel) {
        return kernel.equals(BoundWorkload.LIBTORCH) ? libtorch(workload)
                : results(workload, BoundWorkload.rung(Workloads.family(workload), kernel));
    }

    /** The results of a rung, which need not be one that the workload's family has. */
    static List<float[]> results(Workload<?> workload, Rung rung) {
        try (BoundWorkload<? extends Rung> bound = new BoundWorkload<>(workload, SEED)) {
            bound.call(rung).run();
            return bound.results();
        }
    }

    /** libtorch's results in the order of the workload's: fewer, or none, where libtorch does not give them all. */
    static List<float[]> libtorch(Workload<?> workload) {
        try (BoundWorkload<? extends Rung> bound = new BoundWorkload<>(workload, SEED)) {
            return libtorch(bound);
        }
    }

    /** The same of a workload that has its memory. */
    static List<float[]> libtorch(BoundWorkload<?> bound) {
        List<float[]> values = new ArrayList<>();
        for (Tensor result : bound.libtorch().get()) {
            try (result) {
                values.add(numbers(result.memory(), type(result)));
            }
        }
        return bound.workload().baseline().packing().apply(values);
    }

    /** The element type of a result of libtorch's. */
    static DType type(Tensor result) {
        return switch (result.type()) {
            case FLOAT32 -> DType.FP32;
            case FLOAT16 -> DType.FP16;
            case BFLOAT16 -> DType.BF16;
            default -> throw new IllegalStateException("expected a type kernels compute in, found " + result.type());
        };
    }

    /** The numbers in host memory of an element type. */
    static float[] numbers(MemorySegment memory, DType type) {
        float[] values = new float[Math.toIntExact(memory.byteSize() / type.bytes())];
        for (int i = 0; i < values.length; i++) {
            values[i] = type.get(memory, i);
        }
        return values;
    }

    /** The largest error of as many tensors as there are actual ones. */
    static double error(List<float[]> reference, List<float[]> actual) {
        return errors(reference, actual).stream().reduce(0.0, Math::max);
    }

    private static List<Double> errors(List<float[]> reference, List<float[]> actual) {
        return IntStream.range(0, actual.size())
                .mapToObj(i -> Deviation.of(reference.get(i), actual.get(i)).largest()).toList();
    }

    /** The largest element in units of the root mean square of its tensor, over all tensors. */
    static double peak(List<float[]> results) {
        double peak = 0;
        for (float[] tensor : results) {
            double largest = largest(tensor);
            peak = Math.max(peak, largest == 0 ? 0 : largest / Deviation.rootMeanSquare(tensor));
        }
        return peak;
    }

    /**
     * Half a unit in the last place of the largest result, which rounding it to the element type may cost, in the
     * error's units; of all tensors given, the first that a call writes, the most.
     */
    static double rounding(Workload<?> workload, DType dtype, List<float[]> reference) {
        List<Operand> written = workload.operands().stream().filter(Operand::written).toList();
        double most = 0;
        for (int i = 0; i < reference.size(); i++) {
            DType type = written.get(i).fixed() ? DType.FP32 : dtype;
            most = Math.max(most, Deviation.ofRounding(reference.get(i), type).largest());
        }
        return most;
    }

    private static double largest(float[] values) {
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }
}
