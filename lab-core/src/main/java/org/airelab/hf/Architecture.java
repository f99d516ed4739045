package org.airelab.hf;

import java.util.List;
import java.util.Map;
import org.airelab.nn.ModelConfig;

/** A model class of Hugging Face's {@code transformers} that can hold some of the lab's models. */
interface Architecture {
    /** All there are. */
    List<Architecture> ALL = List.of(new Llama(), new Gpt2());

    /** The class's name: {@code LlamaForCausalLM}. */
    String className();

    /** The name of its kind of configuration, {@code model_type}: {@code llama}. */
    String modelType();

    /** What about a model the class cannot hold: "needs norm rms (found layer)"; empty when it can. */
    List<String> obstacles(ModelConfig config);

    /** The class's own entries of {@code config.json}. */
    Map<String, Object> describe(ModelConfig config);

    /**
     * The lab's configuration of a model of this class.
     *
     * @throws org.airelab.base.UserError (bad input) naming an entry that asks for what the lab's model does not have
     */
    ModelConfig read(ConfigJson json);

    /** Which tensors correspond. */
    List<Correspondence> tensors(ModelConfig config);

    /** What tensor names begin with, unless the file was saved from the class without its output head. */
    String prefix();

    /** Whether a tensor of theirs is no parameter, but a buffer of old versions that the configuration implies. */
    boolean isBuffer(String name);
}
