"""Trains the lab's Llama-style decoder, or GPT-2, in PyTorch on random tokens and prints its speed and memory.

    python train_pytorch.py --dim 64 --layers 5 --heads 8 --kv-heads 4 --hidden 172 --context 512 --vocab 512
    python train_pytorch.py --device cuda --dtype bf16 --preset gpt2-124m --vocab 50304 --batch 32 --compile

The peer of `lab train-speed`: the same options and shapes, the same optimizer, the same work a step (forward, backward,
clipping to norm 1, AdamW; the loss is read, which waits for a GPU). On a GPU as nanoGPT does it: bfloat16 by autocast,
flash attention, fused AdamW. Prints one JSON line: tokens_per_second (median step), memory, versions; model_tflops by
PaLM's formula as in the lab's ModelFlops, and mfu where --peak-tflops is given.
"""
import argparse
import json
import os
import resource
import statistics
import sys
import time

DTYPES = {"fp32": "float32", "bf16": "bfloat16"}  # ours, and PyTorch's name
# As in the lab's ModelPresets.
PRESETS = {
    "stories260k": dict(model="llama", vocab=512, context=512, dim=64, layers=5, heads=8, kv_heads=4, hidden=172),
    "stories15m": dict(model="llama", vocab=32000, context=256, dim=288, layers=6, heads=6, kv_heads=6, hidden=768),
    "stories110m": dict(model="llama", vocab=32000, context=1024, dim=768, layers=12, heads=12, kv_heads=12,
                        hidden=2048),
    "gpt2-124m": dict(model="gpt2", vocab=50257, context=1024, dim=768, layers=12, heads=12, kv_heads=12, hidden=3072),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="stories260k", help="sizes where none are given")
    parser.add_argument("--model", choices=["llama", "gpt2"], help="default: the preset's")
    for name in ("dim", "layers", "heads", "kv-heads", "hidden", "context", "vocab"):
        parser.add_argument("--" + name, type=int, help="default: the preset's")
    for name, value in dict(batch=8, steps=20, warmup=5, threads=os.cpu_count()).items():
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="fp32", help="bf16: by autocast")
    parser.add_argument("--fused", action="store_true", help="PyTorch's fused AdamW, as always on a GPU")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model")
    parser.add_argument("--peak-tflops", type=float, help="what the device could do, to print the MFU")
    a = parser.parse_args()
    for name, value in PRESETS[a.preset].items():
        if getattr(a, name) is None:
            setattr(a, name, value)
    if a.model == "gpt2" and a.heads != a.kv_heads:
        parser.error(f"GPT-2 has as many key heads as heads, found {a.kv_heads} and {a.heads}")
    return a


# Before PyTorch is looked for: -h and mistakes do without it.
options = arguments() if __name__ == "__main__" else None

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except ModuleNotFoundError as e:
    print(f"error: {sys.executable} has no module {e.name}\n  Run this by a Python with PyTorch 2.5 or newer.",
          file=sys.stderr)
    sys.exit(3)


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.ones(dim))

    def forward(self, x):
        if x.is_cuda:
            return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class LlamaLayer(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.a, size = a, a.dim // a.heads
        self.attention_norm, self.feed_forward_norm = RMSNorm(a.dim), RMSNorm(a.dim)
        self.qkv = nn.Linear(a.dim, (a.heads + 2 * a.kv_heads) * size, bias=False)
        self.out = nn.Linear(a.dim, a.dim, bias=False)
        self.gate_up = nn.Linear(a.dim, 2 * a.hidden, bias=False)
        self.down = nn.Linear(a.hidden, a.dim, bias=False)

    def forward(self, x, cos, sin):
        a = self.a
        batch, time_, _ = x.shape
        rows = self.qkv(self.attention_norm(x)).view(batch, time_, a.heads + 2 * a.kv_heads, -1).transpose(1, 2)
        q, k, v = rows.split([a.heads, a.kv_heads, a.kv_heads], 1)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        grouped = a.heads != a.kv_heads
        if grouped and not x.is_cuda:  # faster on a CPU than enable_gqa, which leaves the flash kernel
            k, v = (t.repeat_interleave(a.heads // a.kv_heads, 1) for t in (k, v))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped and x.is_cuda)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, time_, a.dim))
        gate, up = self.gate_up(self.feed_forward_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Gpt2Layer(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.a = a
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(a.dim), nn.LayerNorm(a.dim)
        self.qkv, self.out = nn.Linear(a.dim, 3 * a.dim), nn.Linear(a.dim, a.dim)
        self.up, self.down = nn.Linear(a.dim, a.hidden), nn.Linear(a.hidden, a.dim)

    def forward(self, x, *_):
        batch, time_, dim = x.shape
        q, k, v = (t.view(batch, time_, self.a.heads, -1).transpose(1, 2)
                   for t in self.qkv(self.attention_norm(x)).split(dim, -1))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, time_, dim))
        return x + self.down(F.gelu(self.up(self.feed_forward_norm(x)), approximate="tanh"))


class Decoder(nn.Module):
    def __init__(self, a):
        super().__init__()
        gpt2 = a.model == "gpt2"
        self.embedding = nn.Embedding(a.vocab, a.dim)
        self.position_embedding = nn.Embedding(a.context, a.dim) if gpt2 else None
        self.layers = nn.ModuleList((Gpt2Layer if gpt2 else LlamaLayer)(a) for _ in range(a.layers))
        self.norm = nn.LayerNorm(a.dim) if gpt2 else RMSNorm(a.dim)
        size = a.dim // a.heads
        angles = torch.outer(torch.arange(a.context), 10000.0 ** (-torch.arange(0, size, 2) / size))
        self.register_buffer("cos", angles.cos().to(getattr(torch, DTYPES[a.dtype])))
        self.register_buffer("sin", angles.sin().to(getattr(torch, DTYPES[a.dtype])))
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, targets):
        x = self.embedding(ids)
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        logits = F.linear(self.norm(x), self.embedding.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def flops_per_token(a):
    """Chowdhery et al. 2022, appendix B: 6 N + 12 L H Q T, N the weights of matrix products."""
    size = a.dim // a.heads
    matrices = 2 if a.model == "gpt2" else 3
    layer = a.dim * ((a.heads + 2 * a.kv_heads) * size + a.dim) + matrices * a.dim * a.hidden
    return 6 * (a.layers * layer + a.dim * a.vocab) + 12 * a.layers * a.dim * a.context


def gpu():
    """Memory: the most that tensors took at once, and what is in use with context and caches, as the lab tells it."""
    if not torch.cuda.is_initialized():
        return {}
    free, total = torch.cuda.mem_get_info()
    return {"peak_allocated_mb": torch.cuda.max_memory_allocated() >> 20, "gpu_used_mb": (total - free) >> 20,
            "gpu": torch.cuda.get_device_name()}


def main(a):
    if a.device == "cuda" and not torch.cuda.is_available():
        print("error: PyTorch finds no GPU\n  See nvidia-smi, or train on the CPU: --device cpu.", file=sys.stderr)
        return 3
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    model = Decoder(a).to(a.device)
    matrices = [p for n, p in model.named_parameters() if p.dim() > 1 and "embedding" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() == 1 or "embedding" in n]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
                                  lr=1e-3, betas=(0.9, 0.95), fused=a.fused or a.device == "cuda" or None)
    forward = torch.compile(model) if a.compile else model
    seconds = []
    for step in range(a.warmup + a.steps):
        ids = torch.randint(a.vocab, (a.batch, a.context))
        targets = torch.randint(a.vocab, (a.batch, a.context))
        start = time.perf_counter()
        with torch.autocast(a.device, getattr(torch, DTYPES[a.dtype]), enabled=a.dtype != "fp32"):
            loss = forward(ids.to(a.device), targets.to(a.device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        last = loss.item()
        if a.device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[a.warmup:])
    tflops = 1e-12 * flops_per_token(a) * a.batch * a.context / median
    print(json.dumps({
        "tokens_per_second": round(a.batch * a.context / median, 1),
        "median_step_ms": round(1000 * median, 2),
        "model_tflops": round(tflops, 3),
        "mfu": round(tflops / a.peak_tflops, 4) if a.peak_tflops else None,
        "loss": round(last, 4),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **gpu(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__, "threads": a.threads, "steps": a.steps,
    }))


if __name__ == "__main__":
    sys.exit(main(options))
