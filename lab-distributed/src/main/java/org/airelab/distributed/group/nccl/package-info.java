/**
 * Process groups of NVIDIA GPUs, one a rank, on any number of hosts: NCCL by the foreign function API.
 *
 * <p>What a rank issues is enqueued on streams of the group's own, one for the collectives and one for each direction
 * of messages with each other rank, behind what the caller's stream holds at that moment. Nothing waits on the host but
 * the threads that hand work to NCCL. Communicators are of the kind that does not block, so that a thread beside them,
 * the {@link org.airelab.distributed.group.nccl.Watchdog}, can abort what stands still. Ranks tell each other where
 * they stand over a small {@link org.airelab.distributed.group.store.Store} of texts, by which they also meet.
 */
package org.airelab.distributed.group.nccl;
