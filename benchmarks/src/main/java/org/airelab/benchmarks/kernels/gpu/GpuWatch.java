package org.airelab.benchmarks.kernels.gpu;

import java.util.Optional;
import java.util.function.Supplier;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.GpuReadings;

/**
 * The first GPU while it is measured. Its context and one stream stay open for the whole JVM: a context takes long to
 * make, and libtorch keeps the memory it has freed for the stream that used it. Between samples the GPU cools down.
 */
public final class GpuWatch implements AutoCloseable {
    /** Degrees above those of the first sample that count as cool. */
    private static final int WARMER = 5;
    private static final long PAUSE_MILLIS = 100;

    /** JMH makes the benchmarks that need it. */
    private static volatile GpuWatch current;

    private final CudaDevice device;
    private final CudaStream stream;
    private final Supplier<Optional<GpuReadings>> readings;
    private Optional<GpuReadings> first = Optional.empty();
    private volatile boolean asWanted = true;

    /** Opens the device. */
    public GpuWatch() {
        device = CudaDevice.open(0);
        stream = new CudaStream(device);
        String busId = device.busId();
        readings = () -> GpuReadings.of(busId);
        current = this;
    }

    /** The one that is open, if any. */
    static Optional<GpuWatch> current() {
        return Optional.ofNullable(current);
    }

    /** The stream that all is measured on. */
    public CudaStream stream() {
        return stream;
    }

    /** The device's state now; empty where NVML does not tell. */
    public Optional<GpuReadings> now() {
        return readings.get();
    }

    /**
     * Waits until the device is as cool as at the first call of this, when all kernels have just been warmed up, and
     * nothing holds its clock down that did not then; no longer than the patience.
     */
    public void coolDown(long patienceMillis) {
        if (first.isEmpty()) {
            first = readings.get();
        }
        first.ifPresent(level -> coolDown(level, readings, patienceMillis, PAUSE_MILLIS));
    }

    /** The same; whether it became cool. */
    static boolean coolDown(GpuReadings first, Supplier<Optional<GpuReadings>> readings, long patienceMillis,
            long pauseMillis) {
        for (long waited = 0; ; waited += pauseMillis) {
            Optional<GpuReadings> now = readings.get();
            if (now.isEmpty() || cool(first, now.get())) {
                return true;
            }
            if (waited >= patienceMillis) {
                return false;
            }
            try {
                Thread.sleep(pauseMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    private static boolean cool(GpuReadings first, GpuReadings now) {
        return now.celsius() <= first.celsius() + WARMER && first.throttling().containsAll(now.throttling());
    }

    /** Remembers whether something was measured in a graph where it should have been. */
    void note(boolean wanted) {
        asWanted &= wanted;
    }

    /** Whether all was since the last question. */
    public boolean inGraphs() {
        boolean wanted = asWanted;
        asWanted = true;
        return wanted;
    }

    @Override
    public void close() {
        current = null;
        stream.close();
        device.close();
    }
}
