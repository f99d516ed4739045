/**
 * What a run leaves behind for people and other tools: its folder, metrics as JSON Lines and as TensorBoard events,
 * the manifest of how it was made, its summary and the picture of its loss. Uses {@link org.airelab.base}, the version
 * in {@link org.airelab.cli}, Jackson and JFreeChart; knows nothing of models or training.
 */
package org.airelab.tracking;
