package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** Where a rank of several has the arrays that it exchanges with others. */
@FunctionalInterface
public interface ExchangeMemory {
    /** Anywhere. */
    ExchangeMemory ANY = bytes -> Optional.empty();

    /**
     * Memory of the host from which an array is exchanged faster than from any other, aligned to 64 bytes at least;
     * empty where there is none. All ranks that exchange an array ask for its memory at once, in the same order. Who
     * gives it keeps it until after the arrays over it are closed.
     *
     * @param bytes of the array
     */
    Optional<MemorySegment> allocate(long bytes);

    /** An array of zeros there, if there is such memory, else anywhere on the manager's device. */
    default NDArray zeros(NDManager manager, ScalarType type, long size) {
        NDArray zeros = allocate(size * type.bytes()).map(memory -> NativeArrays.over(manager, memory, type, size))
                .orElseGet(() -> Tensor.empty(type, manager.getDevice(), size).attach(manager));
        Aten.zero(zeros);
        return zeros;
    }
}
