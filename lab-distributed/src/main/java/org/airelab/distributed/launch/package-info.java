/**
 * Ranks as processes: {@link org.airelab.distributed.launch.World} reads what a launcher tells a rank,
 * {@link org.airelab.distributed.launch.Launcher} is the lab's own for one host, and
 * {@link org.airelab.distributed.launch.BackEnd} chooses how the ranks of a world exchange arrays;
 * {@link org.airelab.distributed.launch.GroupEnd} ends a rank that others have failed. May use the process groups,
 * DJL's threads, and what {@code lab-core} knows of run folders, devices and errors.
 */
package org.airelab.distributed.launch;
