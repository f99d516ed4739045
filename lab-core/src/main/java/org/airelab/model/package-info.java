/**
 * Trained models as the commands that use them find them: a model in a run's folder, and one loaded for inference.
 * May use {@code org.airelab.nn}, {@code org.airelab.torch}, {@code org.airelab.tokenizer}, {@code org.airelab.config},
 * {@code org.airelab.checkpoint} and {@code org.airelab.base}; knows nothing of training.
 */
package org.airelab.model;
