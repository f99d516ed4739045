#!/usr/bin/env bash
# Whether a run that is killed (SIGKILL) at random moments, and resumed each time, ends as one that was left in peace:
# weights and optimizer state byte for byte, every step exactly once in metrics.jsonl.
#
#   benchmarks/kill-and-resume.sh [KILLS] [PRETRAIN-OPTION...]
#
# By default 10 kills of a very small model; the options are those of `lab pretrain`, without --out and --resume, such
# as
#   benchmarks/kill-and-resume.sh 10 stories260k --data text:stories.txt --vocab-size 512 --steps 100
# SEED=N repeats a series of moments.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
kills=${1:-10}
shift || true
if [ $# -eq 0 ]; then
    set -- --data synthetic:stories=200 --vocab-size 300 --steps 200 --batch-size 4 --device cpu \
        --set model.dim=16 --set model.layers=1 --set model.heads=2 --set model.kv_heads=2 --set model.hidden_dim=32 \
        --set model.context_length=16 --set model.dropout=0.1 --set run.checkpoint_every=5 --set run.eval_tokens=256
fi
RANDOM=${SEED:=$RANDOM}
echo "seed $SEED"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log
"$home/lab" --version > "$log"

# pretrain NAME: the run in a folder and with a cache of this name.
pretrain() {
    local name=$1
    shift
    XDG_CACHE_HOME=$folder/cache-$name OMP_WAIT_POLICY=PASSIVE exec "$home/lab" pretrain "$@" \
        --out "$folder/$name" --resume >> "$log" 2>&1
}

# steps: how many of the killed run's steps are on record.
steps() { cat "$folder/killed/metrics.jsonl" 2> /dev/null | grep -c train_loss || true; }

start=$(date +%s%N)
(pretrain calm "$@") || { tail "$log"; exit 1; }
milliseconds=$((($(date +%s%N) - start) / 1000000))
echo "uninterrupted: $((milliseconds / 1000)) s"

killed=0
latest=$milliseconds
while [ "$killed" -lt "$kills" ]; do
    delay=$((RANDOM * latest / 32768))
    (pretrain killed "$@") &
    process=$!
    sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
    if kill -KILL "$process" 2> /dev/null; then
        wait "$process" 2> /dev/null || true
        killed=$((killed + 1))
        torn=$(find "$folder" -name '*.tmp' | wc -l)
        echo "kill $killed after $delay ms, $(steps) steps on record, $torn files half-written"
    elif wait "$process"; then
        echo "it finished after $killed kills; once more, with earlier ones"
        rm -rf "$folder/killed" "$folder/cache-killed"
        killed=0
        latest=$((latest * 4 / 5))
    else
        tail "$log"
        exit 1
    fi
done
(pretrain killed "$@") || { tail "$log"; exit 1; }

last=$(ls "$folder/calm/checkpoints" | tail -n 1)
status=0
for file in "$folder/calm/checkpoints/$last"/*.safetensors; do
    if cmp "$file" "$folder/killed/checkpoints/$last/${file##*/}"; then
        echo "equal: $last/${file##*/}, $(stat -c %s "$file") bytes"
    else
        status=1
    fi
done
trained() { grep train_loss "$1" | sed -E 's/"(seconds|tokens_per_second|mfu)":[^,}]*,?//g'; }
if diff <(trained "$folder/calm/metrics.jsonl") <(trained "$folder/killed/metrics.jsonl"); then
    echo "equal: the steps of metrics.jsonl, $(trained "$folder/killed/metrics.jsonl" | wc -l)"
else
    status=1
fi
[ "$status" = 0 ] || echo "NOT EQUAL" >&2
exit "$status"
