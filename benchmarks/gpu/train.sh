#!/usr/bin/env bash
# Training speed on a GPU, bfloat16: the lab with its own kernels and with libtorch's against PyTorch, eager and
# compiled, in turn, on random tokens. Models: stories15m, stories110m and gpt2-124m (vocabulary padded to 50304), with
# contexts of 256, 1024 and 1024, 32,768 tokens a step. The first GPU is taken; nothing else should run on it.
#
#   benchmarks/gpu/train.sh [MODEL...]
#
#   PYTHON=python3    must have torch for PyTorch's runs; without it they are left out, and that is said
#   RUNS="ours torch eager compile"   which, in their order      ROUNDS=1   how often each      STEPS=30   measured
#   BATCH=N           sequences a step, where 32,768 tokens are too many      DEVICE=cuda
#   LAB, REPORTS      as for measure.sh
#
# Written to REPORTS/DATE-GPU-training/: training.jsonl, a line a run, and training.md, a table. A run that fails does
# not keep the others from being measured; the exit code is then 1, and 3 where something is missing for all of the
# lab's: a launcher or a GPU.
set -euo pipefail
case ${1:-} in -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0 ;;
esac
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab=${LAB:-$home/lab}
python=${PYTHON:-python3}
peers=$home/benchmarks/peers
if [ ! -x "$lab" ]; then
    echo "train.sh: there is no launcher $lab. Set LAB to one." >&2
    exit 3
fi
runs=${RUNS:-ours torch eager compile}
[ $# -gt 0 ] || set -- stories15m stories110m gpt2-124m
for model; do
    case $model in stories15m | stories110m | gpt2-124m) ;; *)
        echo "train.sh: expected stories15m, stories110m or gpt2-124m, found $model." >&2
        exit 2 ;;
    esac
done
if ! "$python" -c 'import torch' 2> /dev/null; then
    echo "train.sh: $python has no torch: PyTorch is not measured. Set PYTHON to one that has."
    runs=$(tr ' ' '\n' <<< "$runs" | grep -v -e eager -e compile | tr '\n' ' ' || true)
fi

gpu=$({ nvidia-smi --query-gpu=name --format=csv,noheader -i "${CUDA_VISIBLE_DEVICES:-0}" || echo gpu; } 2> /dev/null \
    | head -n 1 | tr -cs 'A-Za-z0-9\n' '-')
# Dense bfloat16 by NVIDIA's data sheets, in 10^12 operations a second; of other GPUs no MFU is told.
peak=()
case $gpu in
    *H100-PCIe*) peak=(--peak-tflops 756) ;;
    *H100* | *H200* | *GH200*) peak=(--peak-tflops 989.4) ;;
    *A100*) peak=(--peak-tflops 312) ;;
esac
out=${REPORTS:-$home/benchmarks/reports}/$(date -u +%Y%m%d-%H%M%S)-$gpu-training
mkdir -p "$out"
echo "train.sh: writing to $out"

status=0
missing=yes
measure() { # model, run, command: its last line is the result
    local line code=0
    echo "$1, $2: ${*:3}" >> "$out/log.txt"
    line=$("${@:3}" 2>> "$out/log.txt" | tail -n 1) || code=$?
    if [ "$code" = 0 ] && [ "${line:0:1}" = "{" ]; then
        echo "{\"model\": \"$1\", \"run\": \"$2\", ${line:1}" | tee -a "$out/training.jsonl"
    else
        echo "train.sh: $1, $2 failed; $out/log.txt has why" >&2
        status=1
    fi
    [ "$code" = 3 ] || missing=no
}
for model; do
    case $model in
        stories15m) sizes=(--batch "${BATCH:-128}") ;;
        stories110m) sizes=(--batch "${BATCH:-32}") ;;
        gpt2-124m) sizes=(--vocab 50304 --batch "${BATCH:-32}") ;;
    esac
    arguments=(--preset "$model" "${sizes[@]}" --device "${DEVICE:-cuda}" --warmup 10 --steps "${STEPS:-30}"
        "${peak[@]}")
    for round in $(seq "${ROUNDS:-1}"); do
        for run in $runs; do
            case $run in
                eager) measure "$model" "PyTorch eager" "$python" "$peers/train_pytorch.py" "${arguments[@]}" \
                    --dtype bf16 ;;
                compile) measure "$model" "PyTorch compiled" "$python" "$peers/train_pytorch.py" "${arguments[@]}" \
                    --dtype bf16 --compile ;;
                *) measure "$model" "lab, $run" "$lab" train-speed "${arguments[@]}" --precision bf16 \
                    --kernels "$run" ;;
            esac
        done
    done
done
if [ "$missing" = yes ]; then
    tail -n 2 "$out/log.txt" >&2
    rm -r "$out"
    exit 3
fi
if [ -s "$out/training.jsonl" ]; then
    "$python" "$peers/tabulate_training.py" < "$out/training.jsonl" | tee "$out/training.md" \
        || echo "train.sh: no table without a Python; the numbers are in $out/training.jsonl"
fi
exit "$status"
