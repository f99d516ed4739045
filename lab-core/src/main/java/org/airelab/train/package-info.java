/**
 * Training: the layer-wise engine, losses, optimizers over flat buffers, schedules, precision, and the trainer that
 * makes steps of them. May use {@code org.airelab.nn}, {@code org.airelab.torch}, {@code org.airelab.kernels},
 * {@code org.airelab.data} and {@code org.airelab.base}; knows nothing of files and commands.
 */
package org.airelab.train;
