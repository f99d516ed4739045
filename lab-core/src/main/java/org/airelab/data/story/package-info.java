/**
 * Synthetic stories whose entropy is known: a probabilistic grammar with memory, stories drawn from it, the exact
 * probability of a story, and the exact entropy of the grammar. Uses {@code org.airelab.base} only.
 */
package org.airelab.data.story;
