/**
 * The tokenizer's speed beside that of Hugging Face's {@code tokenizers} (Rust), in encoding and in training. The
 * texts are those of {@code ../shared/data} beside the repository, or of the folder named by {@code -p data=...}.
 *
 * <p>After {@code mvn package}: {@code org.openjdk.jmh.Main tokenizer} with the module's class path. Uses
 * {@code org.airelab.tokenizer}, JMH, and as peers DJL's binding of that library and a Python that has it.
 */
package org.airelab.benchmarks.tokenizer;
