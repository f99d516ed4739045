#!/usr/bin/env bash
# All-reduce of a float32 array between ranks of this host: the lab's shared memory, with arrays where the group has
# allocated them and in memory of any kind, against Open MPI's MPI_Allreduce and gloo's, in turn, so that what else the
# machine does meets them all. Beside them the least time the memory allows, which is that of reading and writing each
# rank's array once, all ranks at a time (org.airelab.distributed.comm.MemoryBound).
#
#   benchmarks/communication/all-reduce.sh [ROUNDS]          5 rounds of 100 MiB take about two minutes
#
#   RANKS=2  BYTES=104857600  WARMUP=2 (seconds)
#   PYTHON=python3    calls MPI_Allreduce, and must have torch for gloo
#   LAB               the launcher, where this script is not in a checkout
#
# What is missing is left out, and that is said. Prints each time in milliseconds, then a table in Markdown: medians of
# the rounds, and medians and ranges of the rounds' ratios. Exit codes: 1 something failed, 3 there is no launcher.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab=${LAB:-$home/lab}
python=${PYTHON:-python3}
peers=$home/benchmarks/peers
source "$home/benchmarks/communication/median.sh"
rounds=${1:-5}
ranks=${RANKS:-2}
bytes=${BYTES:-$((100 << 20))}
warmup=${WARMUP:-2}
if [ ! -x "$lab" ]; then
    echo "all-reduce.sh: there is no launcher $lab. Set LAB to one." >&2
    exit 3
fi
kinds="group own"
if ! command -v mpirun > /dev/null; then
    echo "all-reduce.sh: mpirun is not installed (Debian: openmpi-bin): Open MPI is not measured."
elif ! "$python" -c '' 2> /dev/null; then
    echo "all-reduce.sh: there is no $python to call MPI_Allreduce: Open MPI is not measured. Set PYTHON to one."
else
    kinds="$kinds mpi"
fi
if "$python" -c 'import torch.distributed as d; assert d.is_gloo_available()' 2> /dev/null; then
    kinds="$kinds gloo"
else
    echo "all-reduce.sh: $python has no torch: gloo is not measured. Set PYTHON to one that has."
fi
# Containers run as the superuser, of whom mpirun expects that it was meant.
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# note NAME: adds what is read, a time in microseconds a line, to this round's times, and prints it.
note() {
    awk -v name="$1" -v round="$round" '{ printf "%d\t%s\t%.1f\n", round, name, $1 }' \
        | tee -a "$folder/times" | awk -F '\t' '{ printf "round %d: %s %.2f ms\n", $1, $2, $3 / 1000 }'
}
shm() { # MEMORY, NAME
    "$lab" comm-bench --backend shm --ranks "$ranks" --sizes "$bytes" --memory "$1" --warmup "$warmup" --no-check \
        --collectives all-reduce,rewrite,copy > "$folder/table" 2> "$folder/error" || return
    awk '$1 == "all-reduce" { print $3 }' "$folder/table" | note "$2"
    awk '$1 == "rewrite" || $1 == "copy" { print $3 }' "$folder/table" | sort -n | head -n 1 | note "memory bound"
}
json() { sed -n 's/.*"microseconds": \([0-9.]*\).*/\1/p'; }
"$lab" --version > "$folder/error" 2>&1
for round in $(seq "$rounds"); do
    for kind in $kinds; do
        case $kind in
            group) shm group "shm" ;;
            own) shm own "shm, memory of any kind" ;;
            mpi) mpirun --oversubscribe -n "$ranks" "$python" "$peers/all_reduce_mpi.py" --bytes "$bytes" \
                --warmup "$warmup" 2> "$folder/error" | json | note "Open MPI" ;;
            gloo) "$python" "$peers/all_reduce_gloo.py" --ranks "$ranks" --bytes "$bytes" --warmup "$warmup" \
                2> "$folder/error" | json | note "gloo" ;;
        esac || { cat "$folder/error" >&2; exit 1; }
    done
done
echo
# The bound of a round is the least of those measured in it.
awk -F '\t' "$median"'
    function ratio(of, to,   i, n, list, m) {
        for (i = 1; i <= rounds; i++) if ((i, of) in time && (i, to) in time) list[++n] = time[i, of] / time[i, to]
        if (!n) return "-"
        m = median(list, n)
        return sprintf("%.2f (%.2f to %.2f)", m, list[1], list[n])
    }
    {
        if (!($2 in seen)) { seen[$2]; names[++count] = $2 }
        rounds = $1 > rounds ? $1 : rounds
        if (!(($1, $2) in time) || $3 < time[$1, $2]) time[$1, $2] = $3
    }
    END {
        print "| all-reduce of '"$bytes"' bytes, '"$ranks"' ranks | ms | times the memory bound | times shm |"
        print "| --- | ---: | --- | --- |"
        for (k = 1; k <= count; k++) {
            split("", list); n = 0
            for (i = 1; i <= rounds; i++) if ((i, names[k]) in time) list[++n] = time[i, names[k]]
            printf "| %s | %.2f | %s | %s |\n", names[k], median(list, n) / 1000,
                ratio(names[k], "memory bound"), ratio(names[k], "shm")
        }
    }' "$folder/times"
