/**
 * What a training run would need and how fast it would be on GPUs that are not here: memory, communication and time of
 * a step by a stated model (lab-distributed/docs/plan.md), which is held against published runs. It computes with
 * shapes alone, uses the mesh's and the run's description, and asks the training what it refuses.
 */
package org.airelab.distributed.plan;
