/**
 * Process groups of one host in shared memory: no installation, no network. Ranks are processes, or threads of one.
 *
 * <p>A group's {@link org.airelab.distributed.group.shm.Board} is a mapped file whose name is gone as soon as every
 * rank has it open, so that nothing is left of a crashed run. On it ranks announce their calls, which are compared, and
 * exchange data through small staging slots that stay in the processor's cache. Who waits spins shortly, then sleeps on
 * a futex, and looks now and then whether those it waits for are still alive.
 */
package org.airelab.distributed.group.shm;
