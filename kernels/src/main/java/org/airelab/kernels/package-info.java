/**
 * Kernel families: one operation, one interface, a float64 reference and a ladder of implementations (rungs).
 *
 * <p>{@link org.airelab.kernels.Family} ties a reference to its rungs, {@link org.airelab.kernels.Families} lists every
 * family for tests and benchmarks. Each family has a package of its own below this one. All of them work on float32
 * {@link java.lang.foreign.MemorySegment}s outside the heap, check sizes at the entry and know nothing of any tensor
 * library.
 *
 * <p>This package, {@code kernels.cpu} and {@code kernels.cuda} use each other: {@link org.airelab.kernels.Family} has
 * a CUDA ladder, {@link org.airelab.kernels.Rung} says what cores it computes on, and those packages name rungs and
 * {@link org.airelab.kernels.DType}. {@code Families} alone uses the packages of families.
 *
 * <p>The rungs on a CPU: {@code scalar}, plain loops on one thread; {@code blocked}, plain loops over tiles that stay
 * in a cache; {@code vector}, the Vector API on the calling thread alone; {@code packed}, with operands copied into
 * panels and larger register tiles; {@code parallel}, the same on all cores, which training uses. Only matrix products
 * have all of them. Attention has no {@code packed}: its {@code vector} is that already. The other families have
 * neither that nor {@code blocked}: they use an element once or, within a row that a cache holds, a few times, so that
 * there is nothing to block.
 */
package org.airelab.kernels;
