package org.airelab.kernels.cuda;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;

/**
 * A rung of a family's CUDA ladder, before it is tied to a device.
 *
 * @param name         short lower-case name, unique within the ladder; the source is named after it
 * @param dtypes       element types it computes on
 * @param architecture the least compute capability, as {@code 10 * major + minor}
 * @param portable     whether the tests can execute it on a CPU, Hopper's wgmma and TMA emulated: all but clusters can
 * @param maker        makes the rung for a launcher and an element type
 * @param <R>          the family's interface; segments are then memory of the launcher's device
 */
public record CudaRung<R extends Rung>(String name, Set<DType> dtypes, int architecture, boolean portable,
        BiFunction<Launcher, DType, R> maker) {
    /** The first architecture with cp.async, and that converts to and from bfloat16. */
    private static final int AMPERE = 80;

    /**
     * Makes a rung that shares its work out in a way.
     *
     * @param <S> the ways
     */
    public interface Maker<S, R extends Rung> {
        R make(S sharing, Launcher launcher, DType dtype);
    }

    /** A ladder with a portable rung, named after it, for each way of sharing the work out. */
    static <S, R extends Rung> List<CudaRung<R>> ladder(S[] ways, Set<DType> dtypes, Maker<S, R> maker) {
        return Arrays.stream(ways).map(way -> CudaRung.<R>portable(way.toString(), dtypes,
                (launcher, dtype) -> maker.make(way, launcher, dtype))).toList();
    }

    /** A rung that can be executed on a CPU, and on a GPU from the first architecture on that all kernels need. */
    public static <R extends Rung> CudaRung<R> portable(String name, Set<DType> dtypes,
            BiFunction<Launcher, DType, R> maker) {
        return new CudaRung<>(name, dtypes, AMPERE, true, maker);
    }

    /**
     * Checks that kernels of the lab can run on a device.
     *
     * @throws MissingCudaException when it is older than all of them need
     */
    public static void require(CudaDevice device) {
        if (device.architecture() < AMPERE) {
            throw new MissingCudaException(device.name() + " is of compute capability " + device.architecture() / 10.0
                    + ", the lab's kernels need " + AMPERE / 10.0, "Use a newer GPU, or the CPU.");
        }
    }

    /** The rung on a device. */
    public R on(Launcher launcher, DType dtype) {
        if (!dtypes.contains(dtype)) {
            throw new IllegalArgumentException(name + " computes in " + dtypes + ", not in " + dtype);
        }
        return maker.apply(launcher, dtype);
    }
}
