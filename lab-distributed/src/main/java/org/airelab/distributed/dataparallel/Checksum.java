package org.airelab.distributed.dataparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** CRC-32C of an array's bytes. */
final class Checksum {
    /** Elements at a time: a buffer of Java's ends at 2 GiB, and from a GPU they are copied. */
    private static final long PIECE = 1 << 24;

    private Checksum() {
    }

    static long of(NDArray array) {
        CRC32C crc = new CRC32C();
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
        return crc.getValue();
    }
}
