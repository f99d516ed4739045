package org.airelab.distributed.dataparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/**
 * Small things that ranks tell each other.
 *
 * @param device in whose memory the group's collectives work
 */
public record Exchange(ProcessGroup group, Device device) {
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
        return Arrays.stream(all(Double.doubleToRawLongBits(mine)))
                .mapToDouble(one -> Double.longBitsToDouble(one[0])).sum();
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
}
