package org.airelab.distributed.dataparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.zip.CRC32C;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards.Owned;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** CRC-32C of arrays' bytes. */
final class Checksum {
    /** Elements at a time: a buffer of Java's ends at 2 GiB, and from a GPU they are copied. */
    private static final long PIECE = 1 << 24;

    private Checksum() {
    }

    static long of(NDArray array) {
        CRC32C crc = new CRC32C();
        update(crc, array);
        return crc.getValue();
    }

    /** Of the weights of some ranges, one behind the other. */
    static long of(FlatParameters parameters, List<Owned> ranges) {
        CRC32C crc = new CRC32C();
        try (NDManager scope = parameters.weights().getManager().newSubManager()) {
            ranges.forEach(range -> update(crc, parameters.weights(scope, range)));
        }
        return crc.getValue();
    }

    private static void update(CRC32C crc, NDArray array) {
        ScalarType type = NativeArrays.type(array);
        boolean copies = NativeArrays.device(array).isGpu();
        try (Autograd.Mode off = Autograd.notRecording()) {
            for (long from = 0; from < array.size(); from += PIECE) {
                long count = Math.min(PIECE, array.size() - from);
                try (NDManager scope = array.getManager().newSubManager()) {
                    NDArray piece = NativeArrays.view(array, from, count).attach(scope);
                    if (copies) {
                        NDArray copy = Tensor.empty(type, Device.cpu(), count).attach(scope);
                        NativeArrays.copy(piece, copy);
                        piece = copy;
                    }
                    MemorySegment memory = NativeArrays.memory(piece);
                    crc.update(memory.asByteBuffer());
                }
            }
        }
    }
}
