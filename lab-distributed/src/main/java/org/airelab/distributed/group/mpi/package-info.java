/**
 * Process groups of Open MPI's ranks, on any number of hosts: its C library by the foreign function API. One thread of
 * the process makes all calls of MPI. It starts non-blocking operations and tests them by turns, so that collectives of
 * several groups and messages proceed beside each other. Whether the ranks live is seen beside MPI, by a {@link
 * org.airelab.distributed.group.mpi.Heartbeat}.
 */
package org.airelab.distributed.group.mpi;
