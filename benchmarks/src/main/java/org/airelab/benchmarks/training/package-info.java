/**
 * The speed and memory of a training step, to be held against {@code benchmarks/peers/train_pytorch.py}, which does the
 * same work in eager PyTorch. {@code benchmarks/compare-training.sh} runs the two in turn.
 */
package org.airelab.benchmarks.training;
