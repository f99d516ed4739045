package org.airelab.benchmarks.kernels.gpu;

import java.util.ArrayList;
import java.util.List;
import org.airelab.kernels.cuda.CudaEvent;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;

/**
 * Cold: before each call a buffer twice as large as the L2 cache is overwritten. Meanwhile the host enqueues the call,
 * which so is there, between its two events, when the device comes to it.
 */
final class ColdTimer implements GpuTimer {
    private static final int CALLS = 10;
    /** Overwritings before the first, a millisecond or two of a head start for the host: calls of many launches. */
    private static final int HEAD_START = 32;

    private final CudaStream stream;
    private final Work work;
    private final DeviceBuffer evicting;
    private final List<CudaEvent> starts = new ArrayList<>();
    private final List<CudaEvent> ends = new ArrayList<>();
    private byte value;

    ColdTimer(CudaStream stream, Work work) {
        this.stream = stream;
        this.work = work;
        evicting = new DeviceBuffer(stream.device(), 2L * stream.device().l2Bytes());
        for (int i = 0; i < CALLS; i++) {
            starts.add(new CudaEvent(stream.device()));
            ends.add(new CudaEvent(stream.device()));
        }
        pass();
    }

    @Override
    public int calls() {
        return CALLS;
    }

    @Override
    public double pass() {
        for (int i = 0; i < HEAD_START; i++) {
            stream.fill(evicting.memory(), value++);
        }
        for (int i = 0; i < CALLS; i++) {
            stream.fill(evicting.memory(), value++);
            starts.get(i).record(stream);
            work.call(i % work.copies());
            ends.get(i).record(stream);
        }
        ends.getLast().synchronize();
        double millis = 0;
        for (int i = 0; i < CALLS; i++) {
            millis += ends.get(i).millisSince(starts.get(i));
        }
        return millis;
    }

    @Override
    public boolean asWanted() {
        return true;
    }

    @Override
    public void close() {
        starts.forEach(CudaEvent::close);
        ends.forEach(CudaEvent::close);
        evicting.close();
    }
}
