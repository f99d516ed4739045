/**
 * Checkpoints of a model of which no rank has all: the ranks write the same files that one rank would write, each its
 * parts of them, and read from them what they need, however the model was divided when they were written.
 */
package org.airelab.distributed.checkpoint;
