#!/usr/bin/env bash
# All that a GPU host is asked for, one after the other: kernels tested and measured beside PyTorch's (measure.sh),
# training's losses against the CPU's (parity.sh), ranks that share the GPU (ranks.sh), training's speed against
# PyTorch's (train.sh), and the kernels under compute-sanitizer, where there is one (sanitize.sh). About half an hour on
# an H100. Each can be run by itself; what it does and which variables it reads is told at its top.
#
#   benchmarks/gpu/all.sh [--quick]      --quick: kernels measured in two short rounds
#
# Reports go to REPORTS (benchmarks/reports/). A script that finds something wrong does not keep the others from
# running. Exit codes: 0 all is right, 1 something is not, 3 something is missing, a launcher or a GPU.
set -euo pipefail
case ${1:-} in -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0 ;;
esac
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=${LAB:-$here/../../lab}
if [ ! -x "$lab" ]; then
    echo "all.sh: there is no launcher $lab. Set LAB to one." >&2
    exit 3
fi
status=0
run() {
    echo "all.sh: $*"
    local code=0
    bash "$here/$1" "${@:2}" || code=$?
    if [ "$code" != 0 ]; then
        echo "all.sh: $1 ended with exit code $code" >&2
        # What is wrong is not hidden by what is missing.
        [ "$status" = 1 ] || status=$(( code == 3 ? 3 : 1 ))
    fi
}
run measure.sh "$@"
[ "$status" != 3 ] || exit 3
run parity.sh
run ranks.sh
run train.sh
if command -v compute-sanitizer > /dev/null; then
    run sanitize.sh
else
    echo "all.sh: there is no compute-sanitizer here: the kernels are not run under it. It comes with CUDA's toolkit."
fi
exit "$status"
