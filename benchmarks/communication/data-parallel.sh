#!/usr/bin/env bash
# Training by two ranks of this host, a core each, against one rank on one core: the same model, the same tokens in a
# step. Beside it two ranks whose gradients are summed one by one when the backward pass is over, and the bound: two
# runs at once that have half of the tokens each and nothing to tell each other, since cores share memory and more. All
# in turn, so that what else the machine does meets them all.
#
#   benchmarks/communication/data-parallel.sh [ROUNDS]         3 rounds of stories15m take about ten minutes
#
#   CONFIG=stories15m     a preset or a file
#   OPTIONS="--data synthetic:stories=2000 --set train.batch_size=8 --set train.accumulation=2"
#   HALF="--set train.accumulation=1"       what makes of that half of the tokens
#   STEPS=20  WARMUP=5    steps of a run, and those at its beginning that do not count
#   LAB                   the launcher, where this script is not in a checkout
#
# Prints each run, then a table in Markdown: medians of the rounds, and the ratios' medians and ranges. Of a step's time
# waited for gradients is that in which one rank, the one that waits longest in this step, does nothing else: what
# communication takes that computing does not hide, and what the other rank was slower. Exit codes: those of lab.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab=${LAB:-$home/lab}
config=${CONFIG:-stories15m}
options=${OPTIONS:---data synthetic:stories=2000 --set train.batch_size=8 --set train.accumulation=2}
half=${HALF:---set train.accumulation=1}
steps=${STEPS:-20}
warmup=${WARMUP:-5}
source "$home/benchmarks/communication/median.sh"
rounds=${1:-3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# pretrain RUN ARGUMENT...: trains into a folder of that name.
pretrain() {
    local run=$folder/$1
    shift
    # shellcheck disable=SC2086  # several words
    "$lab" pretrain "$config" $options --steps "$steps" --device cpu --out "$run" --overwrite \
        --set run.eval_every=1000000 --set run.checkpoint_every=1000000 "$@" > "$run.output" 2>&1 \
        || { local status=$?; cat "$run.output" >&2; exit "$status"; }
}
# note NAME RUN: notes the median seconds of its steps, and the median of what they waited.
note() {
    local name=$1
    awk -v name="$name" -v round="$round" -v warmup="$warmup" "$median"'
        function value(key) { return match($0, "\"" key "\": ?[-+.0-9eE]+") \
            ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0 : 0 }
        !/"train_loss"/ { next }
        {
            if (value("step") > warmup) { seconds[++n] = value("seconds") - before; waited[n] = value("gradient_wait") }
            before = value("seconds")
        }
        END {
            if (!n) { print "there are no steps to measure in " FILENAME > "/dev/stderr"; exit 1 }
            printf "%d\t%s\t%.4f\t%.4f\n", round, name, median(seconds, n), median(waited, n)
        }' "$folder/$2/metrics.jsonl" | tee -a "$folder/times" \
        | awk -F '\t' '{
            printf "round %d: %s %.3f s a step, %.1f%% of it waited for gradients\n", $1, $2, $3, 100 * $4
        }'
}

for round in $(seq "$rounds"); do
    OMP_NUM_THREADS=1 pretrain one
    note "one rank, one core" one
    pretrain two --nproc 2
    note "two ranks" two
    pretrain naive --nproc 2 --gradients naive
    note "two ranks, naive" naive
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 pretrain other $half &
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 pretrain half $half
    wait $!
    note "two runs of half the tokens" half
done
echo
awk -F '\t' -v config="$config" "$median"'
    {
        if (!($2 in seen)) { seen[$2]; names[++count] = $2 }
        rounds = $1 > rounds ? $1 : rounds
        seconds[$1, $2] = $3; waited[$1, $2] = $4
    }
    END {
        print "| " config " | seconds a step | times as fast as one rank | waited for gradients |"
        print "| --- | ---: | --- | ---: |"
        for (k = 1; k <= count; k++) {
            for (i = 1; i <= rounds; i++) {
                s[i] = seconds[i, names[k]]; w[i] = waited[i, names[k]]; r[i] = seconds[i, names[1]] / s[i]
            }
            m = median(r, rounds)
            printf "| %s | %.3f | %.2f (%.2f to %.2f) | %.1f%% |\n", names[k], median(s, rounds), m, r[1], r[rounds],
                100 * median(w, rounds)
        }
    }' "$folder/times"
