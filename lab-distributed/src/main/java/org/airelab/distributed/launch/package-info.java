/**
 * Ranks as processes: {@link org.airelab.distributed.launch.World} reads what a launcher tells a rank,
 * {@link org.airelab.distributed.launch.Launcher} is the lab's own for one host, and
 * {@link org.airelab.distributed.launch.BackEnd} chooses how the ranks of a world exchange arrays. May use the process
 * groups and the base classes.
 */
package org.airelab.distributed.launch;
