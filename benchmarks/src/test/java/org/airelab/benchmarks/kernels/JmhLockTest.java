package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JmhLockTest {
    @TempDir
    private Path folder;

    @Test
    void oneAtATime() throws IOException {
        Path file = folder.resolve("jmh.lock");
        try (JmhLock _ = JmhLock.take(file)) {
            UserError error = assertThrows(UserError.class, () -> JmhLock.take(file));
            assertTrue(error.getMessage().contains("another JMH benchmark is running"), error.getMessage());
        }
        JmhLock.take(file).close();
    }

    @Test
    void aLockThatCannotBeOpened() {
        UserError error = assertThrows(UserError.class, () -> JmhLock.take(folder));
        assertTrue(error.getMessage().startsWith("JMH's lock " + folder + " cannot be opened: "), error.getMessage());
        assertEquals(UserError.MACHINE, error.exitCode());
    }

    /** They would refuse to measure in turn, since the first has not ended when the second begins. */
    @Test
    void jvmsThatMeasureLeaveItToTheLab() {
        List<String> command = ForkProcess.command(Build.own());
        assertEquals(1, Collections.frequency(command, JmhLock.IGNORED), command.toString());
    }
}
