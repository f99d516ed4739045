package org.airelab.distributed.group;

import java.time.Duration;

/**
 * How long a group waits before it gives up.
 *
 * @param start      for all ranks to come when the group is made
 * @param collective for the other ranks to do their part of a collective, from when this rank begins it
 * @param silence    for a process that gives no sign of life
 */
public record Limits(Duration start, Duration collective, Duration silence) {
    /**
     * A minute to start, on several hosts; ten for a rank that computes or waits for a disk while others wait for it.
     * Twenty seconds without a sign: a process that swaps, or shares its cores with many, is not taken for dead, and
     * one that is stopped ends the others within half a minute.
     */
    public static final Limits DEFAULT =
            new Limits(Duration.ofMinutes(1), Duration.ofMinutes(10), Duration.ofSeconds(20));

    /** The same at a barrier of ranks that look after each other: four hours for ten minutes. */
    public Duration barrier() {
        return collective.multipliedBy(24);
    }

    /** The same with another time to start. */
    public Limits withStart(Duration time) {
        return new Limits(time, collective, silence);
    }
}
