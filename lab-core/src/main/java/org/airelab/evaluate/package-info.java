/**
 * How well a trained model predicts a text: loss, perplexity, bits per byte, and the logits themselves. May use
 * {@code org.airelab.model} and what that uses, and {@code org.airelab.data}.
 */
package org.airelab.evaluate;
