package org.airelab.distributed.group.gpu;

import ai.djl.Device;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.airelab.distributed.group.WaitClock;
import org.airelab.distributed.group.Work;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaEvent;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.torch.TorchStream;

/** The time for which a GPU's stream stands still for work of others, which the host does not wait for. */
public final class DeviceWaitClock extends WaitClock {
    private final CudaStream stream;
    private final Deque<CudaEvent> free = new ArrayDeque<>();
    private final List<CudaEvent> made = new ArrayList<>();
    private final Deque<Wait> waits = new ArrayDeque<>();
    private double millis;

    private record Wait(CudaEvent before, CudaEvent after) {
    }

    /** On the stream on which the awaiting thread works; closes neither it nor its device. */
    DeviceWaitClock(CudaStream stream) {
        this.stream = stream;
    }

    /** The clock of a rank on a device, for the stream on which libtorch works with it on this thread. */
    public static WaitClock of(Device device) {
        if (!device.isGpu()) {
            return new WaitClock();
        }
        int number = device.getDeviceId();
        // Open as long as the process, as groups have it, too.
        return new DeviceWaitClock(CudaStream.of(CudaDevice.open(number), TorchStream.current(number)));
    }

    /** By any thread, such as autograd's: the stream is the one it works on. */
    @Override
    public synchronized void await(Work work) {
        CudaEvent before = event();
        before.record(stream);
        work.await();
        CudaEvent after = event();
        after.record(stream);
        waits.add(new Wait(before, after));
    }

    private CudaEvent event() {
        if (free.isEmpty()) {
            made.add(new CudaEvent(stream.device()));
            return made.getLast();
        }
        return free.remove();
    }

    /** The host waits until the device has come through all waits. */
    @Override
    public synchronized double seconds() {
        while (!waits.isEmpty()) {
            Wait wait = waits.remove();
            wait.after.synchronize();
            millis += wait.after.millisSince(wait.before);
            free.add(wait.before);
            free.add(wait.after);
        }
        return super.seconds() + millis / 1e3;
    }

    @Override
    public void close() {
        made.forEach(CudaEvent::close);
    }
}
