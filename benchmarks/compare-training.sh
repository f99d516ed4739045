#!/usr/bin/env bash
# Training speed of the lab against eager PyTorch on this machine, the two in turn.
#
#   benchmarks/compare-training.sh [ROUNDS]      PYTHON=python3 must have torch
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rounds=${1:-3}
python=${PYTHON:-python3}
compare() { # name, steps, arguments
    local name=$1 steps=$2; shift 2
    for round in $(seq "$rounds"); do
        ours=$("$home/lab" train-speed --steps "$steps" "$@" 2>/dev/null | tail -n 1)
        theirs=$("$python" "$home/benchmarks/peers/train_pytorch.py" --steps "$steps" "$@")
        fused=$("$python" "$home/benchmarks/peers/train_pytorch.py" --fused --steps "$steps" "$@")
        "$python" - "$name" "$round" "$ours" "$theirs" "$fused" <<'PY'
import json, sys
name, round_ = sys.argv[1:3]
lab, torch, fused = (json.loads(a) for a in sys.argv[3:])
best = max(torch, fused, key=lambda r: r["tokens_per_second"])
print(f"{name} round {round_}: lab {lab['tokens_per_second']:,.0f} tokens/s, PyTorch {best['torch']} "
      f"{torch['tokens_per_second']:,.0f} (fused AdamW {fused['tokens_per_second']:,.0f}), ratio to the better "
      f"{lab['tokens_per_second'] / best['tokens_per_second']:.2f}; peak memory {lab['peak_rss_mb']} against "
      f"{min(torch['peak_rss_mb'], fused['peak_rss_mb'])} MiB")
PY
    done
}
compare "stories260k, batch 8, context 512" 30 --dim 64 --layers 5 --heads 8 --kv-heads 4 --hidden 172 --context 512 --vocab 512
compare "stories15m, vocabulary 4096, batch 8, context 256" 15 --dim 288 --layers 6 --heads 6 --kv-heads 6 --hidden 768 --context 256 --vocab 4096
