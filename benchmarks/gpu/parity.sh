#!/usr/bin/env bash
# Trains each model some steps from one seed on the CPU (float32, libtorch's kernels) and on the GPU, with libtorch's
# kernels and with the lab's, in float32 and in bfloat16, and compares the losses of all steps.
#
#   benchmarks/gpu/parity.sh [MODEL...]      stories15m, stories110m and gpt2-124m unless told
#
#   STEPS=10   BATCH=2 (sequences a step)   DEVICE=cuda   JOBS=5 (runs at a time: they share the GPU's memory)
#   DATA=synthetic TOKENIZER=FILE   as lab pretrain's --data and --tokenizer; text:FILE for real text
#   FP32=2e-4 BF16=5e-2   the largest difference of a step's loss, in nats, that is allowed
#   LAB, REPORTS   as for measure.sh
#
# Prints a table, also written to REPORTS/DATE-GPU-parity/parity.md. Exit codes: 0 all losses agree, 1 some do not or a
# run failed, 3 something is missing, a launcher or a GPU.
set -euo pipefail
case ${1:-} in -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0 ;;
esac
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab=${LAB:-$home/lab}
if [ ! -x "$lab" ]; then
    echo "parity.sh: there is no launcher $lab. Set LAB to one." >&2
    exit 3
fi
[ $# -gt 0 ] || set -- stories15m stories110m gpt2-124m
gpu=$({ nvidia-smi --query-gpu=name --format=csv,noheader -i "${CUDA_VISIBLE_DEVICES:-0}" || echo gpu; } 2> /dev/null \
    | head -n 1 | tr -cs 'A-Za-z0-9\n' '-')
out=${REPORTS:-$home/benchmarks/reports}/$(date -u +%Y%m%d-%H%M%S)-$gpu-parity
mkdir -p "$out"
echo "parity.sh: writing to $out"
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
export lab out runs STEPS=${STEPS:-10} BATCH=${BATCH:-2} DATA=${DATA:-synthetic} TOKENIZER=${TOKENIZER:-}

one() { # model/device/precision/kernels/name
    local model device precision kernels name code=0 tokenizer=()
    IFS=/ read -r model device precision kernels name <<< "$1"
    name=$model-$name
    [ -z "$TOKENIZER" ] || tokenizer=(--tokenizer "$TOKENIZER")
    "$lab" pretrain "$model" --data "$DATA" "${tokenizer[@]}" --batch-size "$BATCH" --accumulation 1 \
        --steps "$STEPS" --device "$device" --precision "$precision" --kernels "$kernels" --out "$runs/$name" \
        > "$out/$name.txt" 2>&1 || code=$?
    echo "$code" > "$runs/$name.code"
    [ "$code" = 0 ] || echo "parity.sh: $name failed; $out/$name.txt has why" >&2
    [ ! -f "$runs/$name/metrics.jsonl" ] || cp "$runs/$name/metrics.jsonl" "$out/$name.jsonl"
}
export -f one

# A step's loss a line.
losses() {
    [ ! -f "$runs/$1/metrics.jsonl" ] || sed -n 's/.*"train_loss":\([^,}]*\).*/\1/p' "$runs/$1/metrics.jsonl"
}

device=${DEVICE:-cuda}
# First alone: what is missing is told before the CPU has worked for minutes.
first=$1/$device/fp32/torch/fp32-torch
one "$first"
if [ "$(< "$runs/$1-fp32-torch.code")" = 3 ]; then
    tail -n 5 "$out/$1-fp32-torch.txt" >&2
    rm -r "$out"
    exit 3
fi
for model; do
    echo "$model/cpu/fp32/torch/reference"
    for precision in fp32 bf16; do
        for kernels in torch ours; do echo "$model/$device/$precision/$kernels/$precision-$kernels"; done
    done
done | grep -v -x -F "$first" | xargs -P "${JOBS:-5}" -I{} bash -c 'one {}'

status=0
{
    echo "| model | on $device | kernels | steps | largest difference of loss | at most | |"
    echo "| --- | --- | --- | ---: | ---: | ---: | --- |"
    for model; do
        losses "$model-reference" > "$runs/reference"
        for precision in fp32 bf16; do
            [ "$precision" = fp32 ] && most=${FP32:-2e-4} || most=${BF16:-5e-2}
            for kernels in torch ours; do
                wrong=DIFFERENT
                for run in reference "$precision-$kernels"; do
                    [ "$(< "$runs/$model-$run.code")" = 0 ] || wrong=FAILED
                done
                losses "$model-$precision-$kernels" | paste "$runs/reference" - | awk -F '\t' -v most="$most" -v wrong="**$wrong**" \
                    -v steps="$STEPS" -v row="| $model | $precision | $kernels" '
                    $1 !~ /^-?[0-9.]+([eE][-+]?[0-9]+)?$/ || $2 !~ /^-?[0-9.]+([eE][-+]?[0-9]+)?$/ { next }
                    { d = $1 > $2 ? $1 - $2 : $2 - $1; n++; if (d > largest) largest = d }
                    END {
                        ok = n == steps && largest <= most
                        printf "%s | %d | %.1e | %s | %s |\n", row, n, largest, most, ok ? "ok" : wrong
                        exit !ok
                    }' || status=1
            done
        done
    done
    exit "$status"
} | tee "$out/parity.md" || status=1
exit "$status"
