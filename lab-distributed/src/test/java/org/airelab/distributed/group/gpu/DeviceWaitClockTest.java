package org.airelab.distributed.group.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.group.nccl.FakeNccl;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaResource;
import org.airelab.kernels.cuda.CudaStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In a JVM whose driver is a fake. */
class DeviceWaitClockTest {
    private static final int WAIT_MILLIS = 60;
    private static final int WORK_MILLIS = 100;

    @TempDir
    private Path folder;

    @Test
    void waitsOfTheStreamAreCountedAndNotItsWork() throws Exception {
        FakeNccl.compile(folder);
        String output = FakeNccl.run(folder, Scenario.class);
        assertTrue(output.endsWith("all well\n"), output);
    }

    /** What the other JVM does. */
    static final class Scenario {
        public static void main(String[] arguments) {
            try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                    DeviceWaitClock clock = new DeviceWaitClock(stream)) {
                long start = System.nanoTime();
                for (int step = 1; step <= 2; step++) {
                    FakeNccl.delay(stream.number(), WORK_MILLIS);
                    clock.await(work(stream));
                    FakeNccl.delay(stream.number(), WORK_MILLIS);
                    double seconds = clock.seconds();
                    assertTrue(seconds >= step * WAIT_MILLIS / 1e3, "waited for " + seconds + " s");
                    // The stream has worked at least once a step before it has waited.
                    double most = (System.nanoTime() - start) / 1e9 - step * WORK_MILLIS / 1e3;
                    assertTrue(seconds <= most, "waited for " + seconds + " s of at most " + most);
                }
                assertEquals(1.0, clock.awaitOnHost(() -> 1.0));
            }
            assertEquals(0, CudaResource.live(), "resources of the driver that are not freed");
            System.out.println("all well");
            System.exit(0);
        }

        /** Work that keeps a stream that awaits it waiting. */
        private static Work work(CudaStream stream) {
            return new Work() {
                @Override
                public void await() {
                    FakeNccl.delay(stream.number(), WAIT_MILLIS);
                }

                @Override
                public boolean done() {
                    return false;
                }
            };
        }
    }
}
