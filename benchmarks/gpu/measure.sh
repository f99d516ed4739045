#!/usr/bin/env bash
# Everything a GPU host is asked for about the kernels, by one command: what the machine is (lab doctor), whether
# every CUDA kernel is right on it (lab selftest), how fast they are (lab bench), and how fast PyTorch's are at the same
# shapes, where there is a Python with it. The first GPU is taken; choose another by CUDA_VISIBLE_DEVICES. sanitize.sh
# looks for races, train.sh measures training.
#
#   benchmarks/gpu/measure.sh [--quick] [--cold] [--shape REGEX] [--dtype TYPES] [--kernel RUNGS] [FAMILY...]
#
# The options and families are those of `lab bench`. The GPU should have nothing else to do, and no clock that somebody
# has locked.
#
#   LAB=PATH        the launcher, where this script is not in a checkout: lab in a copied target/lab
#   PYTHON=python3  must have torch for PyTorch's rows; without it they are left out, and that is said
#   REPORTS=PATH    where the reports go, instead of benchmarks/reports/
#
# Written to REPORTS/DATE-GPU/: doctor.txt, selftest.txt, report.json, .md, .html, pytorch.json, and nvidia-smi.txt
# before and after. Two hosts or two versions: lab compare A/report.json B/report.json. Exit codes are lab's: 1 a kernel
# is wrong, 3 something is missing. A wrong kernel does not keep the others from being measured.
set -euo pipefail
case ${1:-} in -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0 ;;
esac
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab=${LAB:-$home/lab}
if [ ! -x "$lab" ]; then
    echo "measure.sh: there is no launcher $lab. Set LAB to one." >&2
    exit 3
fi
python=${PYTHON:-python3}
families=()
options=()
while [ $# -gt 0 ]; do
    case $1 in
        --shape | --dtype | --kernel) options+=("$1" "${2:-}"); shift ;;
        -*) options+=("$1") ;;
        *) families+=("$1") ;;
    esac
    shift
done

gpu=$({ nvidia-smi --query-gpu=name --format=csv,noheader -i "${CUDA_VISIBLE_DEVICES:-0}" || echo gpu; } 2> /dev/null \
    | head -n 1 | tr -cs 'A-Za-z0-9\n' '-')
out=${REPORTS:-$home/benchmarks/reports}/$(date -u +%Y%m%d-%H%M%S)-$gpu
mkdir -p "$out"
echo "measure.sh: writing to $out"

# What doctor finds missing need not be what kernels need: the commands below say so themselves.
"$lab" doctor 2>&1 | tee "$out/doctor.txt" || true
{ nvidia-smi -q || true; } > "$out/nvidia-smi.txt" 2>&1

status=0
"$lab" selftest --device cuda "${families[@]}" 2>&1 | tee "$out/selftest.txt" || status=$?
# 1: some kernel is wrong, which the table says; anything else: nothing can be run here.
if [ "$status" -gt 1 ]; then
    [ "$status" != 3 ] || rm -r "$out"
    exit "$status"
fi
"$lab" bench --device cuda "${options[@]}" "${families[@]}" --out "$out/report.json" | tee "$out/bench.txt"
if "$python" -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then
    "$python" "$home/benchmarks/peers/kernels_pytorch.py" --device cuda --lab "$out/report.json" \
        --out "$out/pytorch.json" | tee "$out/pytorch.txt" || echo "measure.sh: PyTorch could not be measured"
else
    echo "measure.sh: $python has no torch that sees the GPU: PyTorch is not measured. Set PYTHON to one that has."
fi
{ echo; echo "After:"; nvidia-smi -q || true; } >> "$out/nvidia-smi.txt" 2>&1
echo "measure.sh: $out/report.html"
exit "$status"
