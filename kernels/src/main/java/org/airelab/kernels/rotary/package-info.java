/**
 * Rotary position embedding of the query and key heads in packed rows. May use {@code kernels}, {@code kernels.cpu} and
 * {@code kernels.cuda}.
 */
package org.airelab.kernels.rotary;
