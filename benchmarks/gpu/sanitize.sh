#!/usr/bin/env bash
# Runs lab selftest on the GPU under NVIDIA's compute-sanitizer, each kernel family by itself, some at a time, and tells
# what was found: accesses out of bounds or misaligned (memcheck), races in shared memory (racecheck), barriers that not
# all threads come to (synccheck).
#
#   benchmarks/gpu/sanitize.sh [TOOL...]      all three unless told
#
#   LAB=PATH           the launcher, as for measure.sh
#   FAMILIES="a b"     only these
#   JOBS=4             how many at a time: they share the GPU's memory
#   LIMIT=600          seconds each may take
#   LOGS=PATH          keeps what the tools say; by default of failures alone, in a folder that is told
#
# Exit codes: 0 nothing was found, 1 something was, or a kernel is wrong, 3 something is missing.
set -euo pipefail
case ${1:-} in -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0 ;;
esac
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab=${LAB:-$home/lab}
[ $# -gt 0 ] || set -- memcheck racecheck synccheck
if [ ! -x "$lab" ]; then
    echo "sanitize.sh: there is no launcher $lab. Set LAB to one." >&2
    exit 3
fi
if ! command -v compute-sanitizer > /dev/null; then
    echo "sanitize.sh: there is no compute-sanitizer. It comes with CUDA's toolkit: put its folder on the PATH." >&2
    exit 3
fi
families=${FAMILIES:-attention matmul softmax cross-entropy layer-norm rms-norm embedding rotary swiglu gelu gelu-tanh
    relu gradient-sum gradient-norm adam sgd rmsprop}
logs=${LOGS:-$(mktemp -d)}
mkdir -p "$logs"

one() { # tool/family: a line on standard output
    local tool=${1%/*} family=${1#*/} log=$logs/${1//\//-}.txt status=0 begin=$SECONDS verdict options=()
    # The lab asks the driver for parameters of a kernel until it says that there are no more.
    [ "$tool" != memcheck ] || options=(--report-api-errors no)
    # Both tools report each hazard or error; 99 is the tool's, 1 selftest's own.
    for _ in 1 2; do
        status=0
        timeout "${LIMIT:-600}" compute-sanitizer --tool "$tool" "${options[@]}" --target-processes all \
            --error-exitcode 99 "$lab" selftest "$family" --device cuda > "$log" 2>&1 || status=$?
        # Where many are started at a time the tool itself may die by SIGSEGV, before the lab has said a word.
        [ "$status" = 139 ] && ! grep -q -v '^=========' "$log" || break
    done
    case $status in
        0) verdict=clean ;;
        1) verdict="a kernel is WRONG" ;;
        99) verdict=$(grep -o -E '(ERROR|RACECHECK) SUMMARY: .*' "$log" | tail -n 1) ;;
        124) verdict="not done within ${LIMIT:-600} s" ;;
        *) verdict="failed with exit code $status" ;;
    esac
    printf '%-10s %-14s %4d s  %s\n' "$tool" "$family" $((SECONDS - begin)) "$verdict"
    [ "$status" = 0 ]
}
export -f one
export lab logs LIMIT

status=0
for tool; do for family in $families; do echo "$tool/$family"; done; done \
    | xargs -P "${JOBS:-4}" -I{} bash -c 'one {}' || status=1
if [ "$status" = 0 ]; then
    echo "sanitize.sh: nothing was found."
    [ -n "${LOGS:-}" ] || rm -r "$logs"
else
    echo "sanitize.sh: what was found is in $logs"
fi
exit "$status"
