/**
 * Rotary position embedding of the query and key heads in packed rows. May use {@code kernels} and
 * {@code kernels.cpu}.
 */
package org.airelab.kernels.rotary;
