package org.airelab.distributed.dataparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.train.WorstGradient;

/**
 * Small things that ranks tell each other.
 *
 * @param device in whose memory the group's collectives work
 */
public record Exchange(ProcessGroup group, Device device) {
    /** Longs that a parameter's path takes on its way. */
    private static final int PATH = 16;

    /** All ranks' numbers, in their order; every rank comes with as many. */
    public long[][] all(long... mine) {
        try (NDManager scope = NDManager.newBaseManager(device)) {
            NDArray all = scope.create(new long[group.size() * mine.length]);
            group.allGather(NativeArrays.kernelMemory(scope.create(mine)), NativeArrays.kernelMemory(all),
                    ScalarType.INT64).await();
            long[] numbers = all.toLongArray();
            long[][] result = new long[group.size()][];
            Arrays.setAll(result, i -> Arrays.copyOfRange(numbers, i * mine.length, (i + 1) * mine.length));
            return result;
        }
    }

    /** The sum of all ranks' numbers in float64, in the order of the ranks: the same bits on each. */
    public double sum(double mine) {
        return sum(all(Double.doubleToRawLongBits(mine)));
    }

    /** The sum of the first numbers, of float64, that ranks have told. */
    static double sum(long[][] all) {
        return Arrays.stream(all).mapToDouble(one -> Double.longBitsToDouble(one[0])).sum();
    }

    /** Their mean. */
    public double mean(double mine) {
        return sum(mine) / group.size();
    }

    /** Rank 0's numbers, on all ranks. */
    public long[] fromFirst(long... numbers) {
        try (NDManager scope = NDManager.newBaseManager(device)) {
            NDArray array = scope.create(numbers);
            send(array);
            return array.toLongArray();
        }
    }

    /** Rank 0's text, on all ranks. */
    String fromFirst(String text) {
        byte[] mine = text.getBytes(StandardCharsets.UTF_8);
        int length = (int) fromFirst(new long[] {mine.length})[0];
        long[] letters = new long[length];
        for (int i = 0; i < length && group.rank() == 0; i++) {
            letters[i] = mine[i];
        }
        long[] first = fromFirst(letters);
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) first[i];
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Fills an array with rank 0's. */
    public void send(NDArray array) {
        group.broadcast(NativeArrays.kernelMemory(array), NativeArrays.type(array), 0).await();
    }

    /** Norms over all ranks of what each has: roots of the sums of their squares. */
    public double[] norms(double[] mine) {
        long[][] all = all(Arrays.stream(mine).mapToLong(Double::doubleToRawLongBits).toArray());
        double[] norms = new double[mine.length];
        Arrays.setAll(norms, i -> Math.sqrt(Arrays.stream(all).mapToDouble(one -> Double.longBitsToDouble(one[i]))
                .map(norm -> norm * norm).sum()));
        return norms;
    }

    /** The worst of the gradients that all ranks name. */
    public WorstGradient worst(WorstGradient mine) {
        long[] told = Arrays.copyOf(new long[] {mine.part(), Double.doubleToRawLongBits(mine.norm())}, 2 + PATH);
        ByteBuffer path = ByteBuffer.allocate(PATH * Long.BYTES);
        byte[] bytes = mine.path().getBytes(StandardCharsets.UTF_8);
        path.put(bytes, 0, Math.min(bytes.length, path.capacity())).rewind().asLongBuffer().get(told, 2, PATH);
        return Arrays.stream(all(told)).map(Exchange::gradient).reduce(WorstGradient::or).orElseThrow();
    }

    private static WorstGradient gradient(long[] told) {
        ByteBuffer path = ByteBuffer.allocate(PATH * Long.BYTES);
        path.asLongBuffer().put(told, 2, PATH);
        return new WorstGradient(StandardCharsets.UTF_8.decode(path).toString().replace("\0", ""), (int) told[0],
                Double.longBitsToDouble(told[1]));
    }
}
