"""Trains the lab's Llama-style decoder in eager PyTorch on random tokens and prints its speed and memory.

    python train_pytorch.py --dim 64 --layers 5 --heads 8 --kv-heads 4 --hidden 172 --context 512 --vocab 512

The peer of the lab's training benchmark: the same shapes, the same optimizer, the same work a step (forward, backward,
clipping to norm 1, AdamW), float32. Prints one JSON line: tokens_per_second (median step), peak_rss_mb, versions.
"""
import argparse
import json
import os
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Layer(nn.Module):
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
        if a.heads != a.kv_heads:  # faster on a CPU than enable_gqa, which leaves the flash kernel
            k, v = (t.repeat_interleave(a.heads // a.kv_heads, 1) for t in (k, v))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, time_, a.dim))
        gate, up = self.gate_up(self.feed_forward_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Decoder(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.embedding = nn.Embedding(a.vocab, a.dim)
        self.layers = nn.ModuleList(Layer(a) for _ in range(a.layers))
        self.norm = RMSNorm(a.dim)
        size = a.dim // a.heads
        angles = torch.outer(torch.arange(a.context), 10000.0 ** (-torch.arange(0, size, 2) / size))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, targets):
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        logits = F.linear(self.norm(x), self.embedding.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in dict(dim=64, layers=5, heads=8, kv_heads=4, hidden=172, context=512, vocab=512, batch=8,
                            steps=20, warmup=5, threads=os.cpu_count()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    parser.add_argument("--fused", action="store_true", help="PyTorch's fused AdamW in place of its default")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    model = Decoder(a)
    matrices = [p for n, p in model.named_parameters() if p.dim() > 1 and "embedding" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() == 1 or "embedding" in n]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
                                  lr=1e-3, betas=(0.9, 0.95), fused=a.fused or None)
    seconds = []
    for step in range(a.warmup + a.steps):
        ids = torch.randint(a.vocab, (a.batch, a.context))
        targets = torch.randint(a.vocab, (a.batch, a.context))
        start = time.perf_counter()
        loss = model(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[a.warmup:])
    print(json.dumps({
        "tokens_per_second": round(a.batch * a.context / median, 1),
        "median_step_ms": round(1000 * median, 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__, "threads": a.threads, "steps": a.steps,
    }))


if __name__ == "__main__":
    main()
