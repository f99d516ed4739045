/**
 * What the ranks of a run tell each other beside their process groups: a {@link
 * org.airelab.distributed.group.store.Store} of short texts, kept by rank 0 and reached by the others over TCP. NCCL's
 * ranks meet by it, MPI's give their signs of life. May use the waits and sentences of the process groups.
 */
package org.airelab.distributed.group.store;
