package org.airelab.distributed.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class AllowedCoresTest {
    private static String status(String cores, String memory) {
        return "Name:\tjava\nCpus_allowed:\tff\nCpus_allowed_list:\t" + cores + "\nMems_allowed_list:\t" + memory
                + "\n";
    }

    @Test
    void theSameCoresOfTheSameHost() {
        long id = AllowedCores.id("host", status("0-3", "0"));
        assertEquals(id, AllowedCores.id("host", status("0-3", "0-1")));
        assertNotEquals(id, AllowedCores.id("host", status("0-2", "0")));
        assertNotEquals(id, AllowedCores.id("other", status("0-3", "0")));
        assertEquals(2, AllowedCores.sharers(id, LongStream.of(id, id + 1, id)));
        assertEquals(AllowedCores.id(), AllowedCores.id());
    }

    /** What the system says of a process that is bound. */
    @Test
    void bound() throws Exception {
        assumeTrue(Runtime.getRuntime().availableProcessors() > 1 && Files.isExecutable(Path.of("/usr/bin/taskset")),
                "binding is not tested: it takes two cores and taskset (Debian: util-linux)");
        String own = Files.readString(Path.of("/proc/self/status"));
        String first = own.replaceAll("(?s).*Cpus_allowed_list:\\s*(\\d+).*", "$1");
        Process process = new ProcessBuilder("taskset", "-c", first, "cat", "/proc/self/status").start();
        String bound = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), bound);
        assertNotEquals(AllowedCores.id("host", own), AllowedCores.id("host", bound));
        assertEquals(AllowedCores.id("host", status(first, "0")), AllowedCores.id("host", bound));
    }
}
