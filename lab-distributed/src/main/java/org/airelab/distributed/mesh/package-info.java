/**
 * The ranks of a run as a grid whose dimensions are the ways in which training is divided among them. It uses process
 * groups and knows nothing of models.
 */
package org.airelab.distributed.mesh;
