package org.airelab.distributed.group.gpu;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.airelab.distributed.JavaCommand;
import org.airelab.distributed.group.nccl.FakeNccl;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory of the host that the garbage collector frees, in a JVM whose driver is a fake. */
class CollectedMemoryTest {
    private static final int COLLECTIONS = 20;

    @TempDir
    private Path folder;

    /** Compiled code forgets what it does not need any more, and the driver has only its address. */
    @Test
    void isThereAsLongAsItIsCopied() throws Exception {
        FakeNccl.compile(folder);
        String output = FakeNccl.run(folder, 1,
                JavaCommand.of(Scenario.class, List.of("-Xcomp", "-XX:TieredStopAtLevel=1")));
        assertTrue(output.endsWith("all well\n"), output);
    }

    /** What the other JVM does. */
    static final class Scenario {
        private static final AtomicBoolean FREED = new AtomicBoolean();

        public static void main(String[] arguments) throws InterruptedException {
            try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                    DeviceBuffer buffer = new DeviceBuffer(device, 8)) {
                FakeNccl.hold(stream.number());
                Thread copy = Thread.ofPlatform().start(() -> stream.copy(collected(), buffer.memory()));
                // The driver returns only when the stream has copied.
                for (int i = 0; i < COLLECTIONS; i++) {
                    Thread.sleep(50);
                    System.gc();
                }
                boolean early = FREED.get();
                FakeNccl.release(stream.number());
                copy.join();
                assertFalse(early, "freed while it is copied");
                while (!FREED.get()) {
                    System.gc();
                }
            }
            System.out.println("all well");
            System.exit(0);
        }

        private static MemorySegment collected() {
            return Arena.global().allocate(8).reinterpret(Arena.ofAuto(), _ -> FREED.set(true));
        }
    }
}
