package org.airelab.distributed.comm;

import java.util.Map;
import org.airelab.base.UserError;

/**
 * Which rank this process is, in torchrun's words.
 *
 * @param address where rank 0 is reached
 */
record BenchRanks(int rank, int size, int localRank, String address, int port) {
    /** torchrun's default. */
    private static final String PORT = "29500";

    /** What an environment says, which has RANK and WORLD_SIZE. */
    static BenchRanks of(Map<String, String> environment) {
        int rank = number(environment, "RANK", null);
        int size = number(environment, "WORLD_SIZE", null);
        if (rank >= size) {
            throw UserError.badInput("RANK is " + rank + " of a WORLD_SIZE of " + size,
                    "Set RANK from 0 to WORLD_SIZE less one, or unset both.");
        }
        return new BenchRanks(rank, size, number(environment, "LOCAL_RANK", Integer.toString(rank)),
                environment.getOrDefault("MASTER_ADDR", "127.0.0.1"), number(environment, "MASTER_PORT", PORT));
    }

    private static int number(Map<String, String> environment, String name, String otherwise) {
        String text = environment.getOrDefault(name, otherwise);
        if (text == null || !text.matches("\\d{1,9}")) {
            throw UserError.badInput("expected a number in the variable " + name + ", found "
                    + (text == null ? "nothing" : "'" + text + "'"), "Set it, or unset RANK and WORLD_SIZE.");
        }
        return Integer.parseInt(text);
    }

    /** Of the run: no other one at the port has it. */
    String name() {
        return "comm-bench-" + port;
    }

    /** Tells another process of this host that it is another rank. */
    void tell(Map<String, String> environment, int other) {
        environment.putAll(Map.of("RANK", Integer.toString(other), "WORLD_SIZE", Integer.toString(size), "LOCAL_RANK",
                Integer.toString(other), "MASTER_ADDR", address, "MASTER_PORT", Integer.toString(port)));
    }
}
