/**
 * The ranks of a run with all the ways in which its training is divided among them at once: data, context, tensor and
 * pipeline parallelism over one mesh.
 */
package org.airelab.distributed.parallel;
