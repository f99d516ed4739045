/**
 * Kernel families: one operation, one interface, a float64 reference and a ladder of implementations (rungs).
 *
 * <p>{@link org.airelab.kernels.Family} ties a reference to its rungs, {@link org.airelab.kernels.Families} lists every
 * family for tests and benchmarks. Each family has a package of its own below this one. All of them work on float32
 * {@link java.lang.foreign.MemorySegment}s outside the heap, check sizes at the entry and know nothing of any tensor
 * library. May use the JDK alone.
 */
package org.airelab.kernels;
