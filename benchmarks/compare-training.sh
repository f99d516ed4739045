#!/usr/bin/env bash
# Training speed and memory of the lab against eager PyTorch on this machine, the two in turn, so that what else the
# machine does meets both. Prints each round, then the median of the rounds' ratios with their range.
#
#   benchmarks/compare-training.sh [ROUNDS]      PYTHON=python3 must have torch; 5 rounds take about ten minutes
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rounds=${1:-5}
python=${PYTHON:-python3}
if ! "$python" -c 'import torch' 2> /dev/null; then
    echo "compare-training.sh: $python has no torch. Set PYTHON to one that has." >&2
    exit 3
fi
compare() { # name, steps, arguments
    local name=$1 steps=$2 round
    shift 2
    for round in $(seq "$rounds"); do
        "$home/lab" train-speed --device cpu --warmup 10 --steps "$steps" "$@"
        "$python" "$home/benchmarks/peers/train_pytorch.py" --warmup 10 --steps "$steps" "$@"
        "$python" "$home/benchmarks/peers/train_pytorch.py" --warmup 10 --fused --steps "$steps" "$@"
    done | "$python" "$home/benchmarks/peers/summarize_training.py" "$name"
}
compare "stories260k, batch 8, context 512" 30 --dim 64 --layers 5 --heads 8 --kv-heads 4 \
    --hidden 172 --context 512 --vocab 512
compare "stories15m, vocabulary 4096, batch 8, context 256" 15 --dim 288 --layers 6 --heads 6 \
    --kv-heads 6 --hidden 768 --context 256 --vocab 4096
