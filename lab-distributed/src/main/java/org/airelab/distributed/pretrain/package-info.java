/**
 * Pre-training from text to a run directory: its configuration, its command, and the loop that ties data, model,
 * trainer, tracking and checkpoints together. May use everything of {@code lab-core}.
 */
package org.airelab.distributed.pretrain;
