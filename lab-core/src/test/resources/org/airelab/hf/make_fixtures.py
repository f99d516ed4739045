"""Makes the folders beside this file: small random models saved by Hugging Face's transformers, with their logits.

An independent judge for HuggingFaceTest. Made with transformers 5.18.0 and torch 2.13.0; run in this folder.
"""
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

torch.manual_seed(1)


def save(model, folder, dtype, **options):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    model.to(dtype).save_pretrained(folder, **options)
    ids = torch.arange(12)[None] * 37 % 257
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(ids).logits[0]
    save_file({"ids": ids[0].contiguous(), "logits": logits.contiguous()}, folder + "/expected.safetensors")


save(LlamaForCausalLM(LlamaConfig(
    vocab_size=260, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=32, rope_theta=500.0, bos_token_id=None, eos_token_id=None)),
    "llama", torch.bfloat16, max_shard_size="9KB")
save(GPT2LMHeadModel(GPT2Config(
    vocab_size=260, n_embd=16, n_layer=2, n_head=4, n_positions=32, bos_token_id=None, eos_token_id=None)),
    "gpt2", torch.float32)
