/**
 * Models in the files of Hugging Face's {@code transformers}: a run exported so that Python loads it as
 * {@code LlamaForCausalLM} or {@code GPT2LMHeadModel}, and such a model imported as a run. A table for each class
 * ({@link org.airelab.hf.Correspondence}) says which tensors correspond; both directions follow from it. Needs no
 * libtorch. May use {@code org.airelab.model} (the folder of a run), {@code org.airelab.nn.ModelConfig},
 * {@code org.airelab.tokenizer}, {@code org.airelab.checkpoint} and {@code org.airelab.base}.
 */
package org.airelab.hf;
