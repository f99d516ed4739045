/**
 * Text made into token shards, and token shards into training batches: what data is meant ({@link
 * org.airelab.data.DataSpec}), its preparation, the files, and the loader whose order is a pure function of seed and
 * sample number. Uses {@code base}, {@code tokenizer}, {@code data.source}, {@code data.story} and, for its command,
 * {@code cli}.
 */
package org.airelab.data;
