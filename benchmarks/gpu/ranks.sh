#!/usr/bin/env bash
# Whether ranks that share one GPU train as one rank does: 20 steps of a small Llama in float32, from one seed, on text
# the lab makes itself, by one rank; then by two that exchange arrays through shared memory, with the work divided in
# each way; then by one whose collectives are NCCL's. The loss of every step and of the validation has to be one rank's
# within 1e-5. The runs are side by side: the times are those of the check, not of the ranks.
#
#   benchmarks/gpu/ranks.sh
#
#   DEVICE=cuda   or cpu, where shared memory takes NCCL's place
#   JOBS=N        runs at a time, of two ranks each; by default one for every two cores, at most 6
#   LIMIT=120     seconds each may take
#   LAB, REPORTS  as for measure.sh
#
# Written to REPORTS/DATE-GPU-ranks/: ranks.txt, a table, and of each run its folder and what it has printed. Exit
# codes: 0 all are right, 1 one is not, 3 something is missing.
set -euo pipefail
case ${1:-} in -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0 ;;
esac
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab=${LAB:-$home/lab}
if [ ! -x "$lab" ]; then
    echo "ranks.sh: there is no launcher $lab. Set LAB to one." >&2
    exit 3
fi
device=${DEVICE:-cuda}
alone=shm
gpu=cpu
if [ "$device" != cpu ]; then
    alone=nccl
    gpu=$({ nvidia-smi --query-gpu=name --format=csv,noheader -i "${CUDA_VISIBLE_DEVICES:-0}" || echo gpu; } \
        2> /dev/null | head -n 1 | tr -cs 'A-Za-z0-9\n' '-')
fi
cores=$(nproc)
jobs=${JOBS:-$((cores < 4 ? 1 : cores < 12 ? cores / 2 : 6))}
out=${REPORTS:-$home/benchmarks/reports}/$(date -u +%Y%m%d-%H%M%S)-$gpu-ranks
mkdir -p "$out"
echo "ranks.sh: writing to $out"

steps=20
# Four passes of a step: a pipeline of two has some on their way, and two ranks have two each.
cat > "$out/llama.yaml" << YAML
model: {dim: 64, layers: 4, heads: 4, kv_heads: 2, hidden_dim: 128, context_length: 64, vocab_size: 300}
data: {train: "synthetic:stories=200"}
train: {batch_size: 2, accumulation: 4, steps: $steps}
optimizer: {learning_rate: 1e-3}
run: {device: $device, precision: fp32, eval_tokens: 2048, eval_every: 10, checkpoint_every: $steps}
YAML

train() { # run: its exit code and seconds in run.status
    local begin=$SECONDS status=0 options=()
    case $1 in
        one) ;;
        one-"$alone") options=(--backend "$alone") ;;
        zero=3) options=(--nproc 2 --backend shm --zero 3) ;;
        *) options=(--mesh "$1" --backend shm) ;;
    esac
    timeout "${LIMIT:-120}" "$lab" pretrain --config "$out/llama.yaml" --out "$out/$1" --device "$device" \
        "${options[@]}" > "$out/$1.txt" 2>&1 || status=$?
    echo "$status $((SECONDS - begin))" > "$out/$1.status"
}
export -f train
export lab out device alone

losses() { # run: a number a line, of the steps, then of the validations
    local name
    for name in train_loss val_loss; do
        sed -n "s/.*\"$name\":\(-\{0,1\}[0-9][0-9.eE+-]*\)[,}].*/\1/p" "$out/$1/metrics.jsonl" 2> /dev/null || true
    done
}

difference() { # run: the largest from one rank's losses; nothing where some are missing
    awk -v steps=$steps '
        NR == FNR { expected[FNR] = $1; wanted = FNR; next }
        { off = $1 - expected[FNR]; off = off < 0 ? -off : off; most = off > most ? off : most; found = FNR }
        END { if (wanted > steps && found == wanted) printf "%.1e\n", most }' <(losses one) <(losses "$1")
}

row() { # run: a line of the table
    local status seconds off exchange verdict=OK
    read -r status seconds < "$out/$1.status"
    off=$(difference "$1")
    exchange=$(sed -n 's/^ranks .*; arrays exchanged by //p' "$out/$1.txt")
    if [ "$status" != 0 ]; then
        verdict="WRONG: exit code $status, see $1.txt"
    elif [ -z "$off" ] || ! awk "BEGIN { exit !($off <= 1e-5) }"; then
        verdict=WRONG
    elif [ "$1" != one ] && [ -z "$exchange" ]; then
        verdict="WRONG: nothing was exchanged"
    fi
    printf '%-9s %10s %6s s  %-60s %s\n' "$1" "${off:--}" "$seconds" "${exchange:--}" "$verdict"
    [ "$verdict" = OK ]
}

# First alone: the others find the text, and kernels, prepared.
train one
read -r status _ < "$out/one.status"
if [ "$status" != 0 ]; then
    tail -n 5 "$out/one.txt" >&2
    [ "$status" = 3 ] || exit 1
    rm -r "$out"
    exit 3
fi
runs=(dp=2 zero=3 tp=2 pp=2 cp=2 "one-$alone")
printf '%s\n' "${runs[@]}" | xargs -P "$jobs" -I{} bash -c 'train {}'

status=0
{
    printf '%-9s %10s %8s  %-60s\n' run difference time "arrays exchanged by"
    for run in one "${runs[@]}"; do row "$run" || echo 1 > "$out/wrong"; done
    echo
    echo "$steps losses and the validation's of each run against one rank's, $(losses one | sed -n 1p) to" \
        "$(losses one | sed -n ${steps}p), on $gpu"
} | tee "$out/ranks.txt"
if [ -e "$out/wrong" ]; then
    rm "$out/wrong"
    status=1
fi
exit "$status"
