package org.airelab.kernels.matmul;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Operands in memory that the garbage collector frees. */
class CollectedOperandsTest {
    /** Only compiled code forgets an operand once it has its address: in another JVM all code is. */
    @Test
    void areThereAsLongAsTheyAreMultiplied() throws IOException, InterruptedException {
        var java = Path.of(System.getProperty("java.home"), "bin", "java");
        var process = new ProcessBuilder(java.toString(), "-Xcomp", "-XX:TieredStopAtLevel=1",
                "--add-modules=jdk.incubator.vector", "-cp", System.getProperty("java.class.path"),
                Scenario.class.getName()).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
    }

    /** What the other JVM does: it leaves with 1 where memory went too early. */
    static final class Scenario {
        private static final int SIZE = 512;
        private static final AtomicBoolean DONE = new AtomicBoolean();
        private static final AtomicInteger FREED = new AtomicInteger();

        public static void main(String[] arguments) throws InterruptedException {
            var collector = Thread.ofPlatform().start(() -> {
                while (!DONE.get()) {
                    System.gc();
                }
            });
            for (var matmul : Matmul.FAMILY.rungs()) {
                multiply(matmul);
            }
            DONE.set(true);
            collector.join();
        }

        private static void multiply(Matmul matmul) {
            FREED.set(0);
            matmul.multiply(MatmulShape.of(SIZE, SIZE, SIZE), collected(), collected(), null, collected());
            if (FREED.get() > 0) {
                System.out.println(matmul.name() + ": " + FREED.get() + " operands were freed");
                System.exit(1);
            }
        }

        private static MemorySegment collected() {
            var memory = Arena.global().allocate(4L * SIZE * SIZE, 64);
            return memory.reinterpret(Arena.ofAuto(), _ -> FREED.incrementAndGet());
        }
    }
}
