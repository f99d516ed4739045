#!/usr/bin/env bash
# Runs lab selftest on the GPU under NVIDIA's compute-sanitizer, each kernel family by itself, some at a time, and tells
# what was found: accesses out of bounds or misaligned (memcheck), races in shared memory (racecheck), barriers that not
# all threads come to (synccheck).
#
#   benchmarks/gpu/sanitize.sh [TOOL...]      all three unless told
#   benchmarks/gpu/sanitize.sh --list         what each is run with: a family, or the part of one that options name
#
#   LAB=PATH           the launcher, as for measure.sh
#   FAMILIES="a b"     only these
#   JOBS=4             how many at a time: they share the GPU's memory
#   LIMIT=600          seconds each may take
#   LOGS=PATH          keeps what the tools say; by default of failures alone, in a folder that is told
#
# Attention and the products take longest, racecheck above all, and are cut into parts by rung. Racecheck follows each
# access to shared memory, so that the product's size is what costs: a part has of selftest's shapes the small ones at
# which its rungs launch all of their sources on an A100, an H100 and a B200. For rungs with one tile these are ^6: 640
# x 640 x 40 in all transpositions, with all epilogues, and odd sizes beside; for those with larger tiles, too, ^[16].
# wgmma has the most tiles and takes all shapes; no thread copies or reads its operands.
#
# Exit codes: 0 nothing was found, 1 something was, or a kernel is wrong, 3 something is missing.
set -euo pipefail
case ${1:-} in -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0 ;;
esac
families=${FAMILIES:-attention matmul softmax cross-entropy layer-norm rms-norm embedding rotary swiglu gelu gelu-tanh
    relu gradient-sum gradient-norm adam sgd rmsprop}
parts=()
for family in $families; do
    case $family in
        attention) parts+=(
            "attention --kernel naive"
            "attention --kernel fused"
            "attention --kernel mma"
            "attention --kernel wgmma") ;;
        matmul) parts+=(
            "matmul --kernel shared --shape ^6"
            "matmul --kernel naive,coalesced,tiled-1d --shape ^6"
            "matmul --kernel tiled-2d,vectorized --shape ^[16]"
            "matmul --kernel warptiled --shape ^[16]"
            "matmul --kernel pipelined,prefetched --shape ^[16]"
            "matmul --kernel mma --shape ^[16]"
            "matmul --kernel wgmma --dtype fp16"
            "matmul --kernel wgmma --dtype bf16") ;;
        *) parts+=("$family") ;;
    esac
done
if [ "${1:-}" = --list ]; then
    printf '%s\n' "${parts[@]}"
    exit 0
fi
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
logs=${LOGS:-$(mktemp -d)}
mkdir -p "$logs"

one() { # "TOOL PART": a line on standard output
    local tool=${1%% *} part=${1#* } log=$logs/$(tr -cs '[:alnum:]\n' - <<< "$1").txt
    local status=0 begin=$SECONDS verdict options=() arguments
    read -r -a arguments <<< "$part"
    # The lab asks the driver for parameters of a kernel until it says that there are no more.
    [ "$tool" != memcheck ] || options=(--report-api-errors no)
    # Both tools report each hazard or error; 99 is the tool's, 1 selftest's own.
    for _ in 1 2; do
        status=0
        timeout "${LIMIT:-600}" compute-sanitizer --tool "$tool" "${options[@]}" --target-processes all \
            --error-exitcode 99 "$lab" selftest "${arguments[@]}" --device cuda > "$log" 2>&1 || status=$?
        # Where many are started at a time the tool itself may die by SIGSEGV, before the lab has said a word.
        [ "$status" = 139 ] && ! grep -q -v '^=========' "$log" || break
    done
    # A GPU may lack a rung, but not one of several in a part: that name would be wrong.
    [ "$status" != 2 ] || [[ $part = *,* ]] || ! grep -q '^error: unknown kernel' "$log" || status=absent
    case $status in
        0) verdict=clean ;;
        1) verdict="a kernel is WRONG" ;;
        99) verdict=$(grep -o -E '(ERROR|RACECHECK) SUMMARY: .*' "$log" | tail -n 1) ;;
        124) verdict="not done within ${LIMIT:-600} s" ;;
        absent) verdict="no such kernel on this GPU" ;;
        *) verdict="failed with exit code $status" ;;
    esac
    printf '%-10s %-*s %4d s  %s\n' "$tool" "$width" "$part" $((SECONDS - begin)) "$verdict"
    [ "$status" = 0 ] || [ "$status" = absent ]
}
export -f one
export lab logs LIMIT
# Of the longest part.
export width=$(printf '%s\n' "${parts[@]}" | wc -L)

status=0
for tool; do printf "$tool %s\n" "${parts[@]}"; done \
    | xargs -d '\n' -P "${JOBS:-4}" -n 1 bash -c 'one "$1"' - || status=1
if [ "$status" = 0 ]; then
    echo "sanitize.sh: nothing was found."
    [ -n "${LOGS:-}" ] || rm -r "$logs"
else
    echo "sanitize.sh: what was found is in $logs"
fi
exit "$status"
