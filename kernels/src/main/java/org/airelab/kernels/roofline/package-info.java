/**
 * The limits of a GPU's arithmetic: kernels that do nothing but multiply and add. May use {@code kernels} and
 * {@code kernels.cuda}.
 */
package org.airelab.kernels.roofline;
