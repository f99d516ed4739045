"""Sums up what compare-training.sh ran: on standard input three JSON lines a round, of the lab, of PyTorch and of
PyTorch with its fused AdamW. The lab is held against the faster of the two.

    python summarize_training.py NAME < lines
"""
import json
import statistics
import sys

lines = [json.loads(line) for line in sys.stdin]
rounds = [lines[i:i + 3] for i in range(0, len(lines), 3)]
ratios = []
for lab, plain, fused in rounds:
    memory = min(plain["peak_rss_mb"], fused["peak_rss_mb"])
    best = max(plain, fused, key=lambda run: run["tokens_per_second"])
    ratios.append(lab["tokens_per_second"] / best["tokens_per_second"])
    print(f"{sys.argv[1]}, round {len(ratios)}: lab {lab['tokens_per_second']:,.0f} tokens/s, PyTorch {plain['torch']} "
          f"{plain['tokens_per_second']:,.0f} (fused AdamW {fused['tokens_per_second']:,.0f}), ratio to the better "
          f"{ratios[-1]:.2f}; peak memory {lab['peak_rss_mb']} against {memory} MiB", flush=True)
memory = statistics.median(lab["peak_rss_mb"] / min(plain["peak_rss_mb"], fused["peak_rss_mb"])
                           for lab, plain, fused in rounds)
print(f"{sys.argv[1]}: median ratio {statistics.median(ratios):.2f} of {len(ratios)} rounds, from {min(ratios):.2f} to "
      f"{max(ratios):.2f}; peak memory {memory:.2f} times PyTorch's")
