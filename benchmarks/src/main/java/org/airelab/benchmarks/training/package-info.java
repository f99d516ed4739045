/**
 * The speed and memory of a training step, to be held against {@code benchmarks/peers/train_pytorch.py}, which does the
 * same work in PyTorch. {@code benchmarks/compare-training.sh} runs the two in turn on a CPU, {@code
 * benchmarks/gpu/train.sh} on a GPU.
 */
package org.airelab.benchmarks.training;
