/**
 * Text from a trained model: sampling and beam search over a key-value cache, streamed token by token. May use
 * {@code org.airelab.model} and what that uses.
 */
package org.airelab.generate;
