"""Times PyTorch's own operators at the shapes that `lab bench --device cuda` measures its kernels at, in the same way.

    python kernels_pytorch.py --out pytorch.json                    # the lab's large shapes, and squares and lengths
    python kernels_pytorch.py --lab report.json --out pytorch.json  # what is in a report of the lab, side by side
    python kernels_pytorch.py --quick matmul attention

On a GPU a sample is the least of three means over replays of a CUDA graph, after a pause in which the GPU cools down,
as the lab's samples are. A graph's calls go round copies of their memory, together twice as large as the L2 cache.
Results are kept for a round, or PyTorch would hand out the same memory, warm in the L2, again and again. What no graph
can capture is called plainly, and the notes say so. On a CPU calls are timed one by one, at small shapes. Inputs are
random; float32 products do without TF32.

A backward pass is torch.autograd.grad of a forward pass that is not timed. Attention runs on each of PyTorch's kernels
alone (pytorch-flash, -cudnn, -efficient), --compile adds torch.compile for what is not a product (pytorch-compile). The
file has the form of the lab's report.json, so that `lab compare` compares two of them.
"""
import argparse
import datetime
import json
import math
import os
import platform
import re
import statistics
import sys
import tempfile
import time
import typing
import warnings

# As in the lab's *Workloads.java; those before the bar are --quick's.
LARGE = {
    "matmul": {"multiply": "4096x4096x4096 | 4096x11008x4096-nt 4096x4096x11008 11008x4096x4096-tn 16x8192x8192 "
                           "4095x4093x4097"},
    "attention": {"forward backward": "b4-t2048-h16-d64 | b2-t4096-h16-d128 b1-t8192-h32-kv8-d128 "
                                      "b4-t2048-h16-d128-full"},
    "softmax": {"forward backward": "8192x4096 | 4096x50257"},
    "rms-norm": {"forward backward": "8192x4096 | 32768x1024", "forward": "| 8191x4097"},
    "layer-norm": {"forward backward": "8192x4096 | 32768x1024", "forward": "| 8191x4097"},
    "cross-entropy": {"forward": "| 8192x50257 4096x128256", "forward-backward": "8192x50257 | 4096x128256"},
    "gelu": {"forward backward": "8192x16384"},
    "gelu-tanh": {"forward backward": "8192x16384"},
    "relu": {"forward backward": "8192x16384"},
    "swiglu": {"forward backward": "8192x14336"},
    "rotary": {"forward backward": "t8192-h32-d128"},
    "embedding": {"gather scatter-add": "16384-of-128256x2048"},
    "adam": {"adamw-step": "67108864"},
    "sgd": {"momentum-step": "67108864"},
    "gradient-norm": {"sum-of-squares": "67108864"},
}
# More of what people compare: squares, and 16,384 tokens of width 2048 at each length, as in FlashAttention's papers.
MORE = {
    "matmul": {"multiply": "| 1024x1024x1024 2048x2048x2048 8192x8192x8192"},
    "attention": {"forward backward": "| " + " ".join(
        f"b{16384 // t}-t{t}-h{2048 // d}-d{d}{full}"
        for d in (64, 128) for full in ("", "-full") for t in (512, 1024, 2048, 4096, 8192, 16384))},
}
SMALL = {
    "matmul": {"multiply": "256x256x256 | 2048x864x288-nt 864x288x2048-tn"},
    "attention": {"forward backward": "b1-t128-h8-d64 | b1-t256-h8-kv2-d64 b1-t256-h8-d64-full"},
    "softmax": {"forward backward": "1024x1024"},
    "rms-norm": {"forward backward": "256x768"},
    "layer-norm": {"forward backward": "256x768"},
    "cross-entropy": {"forward forward-backward": "64x4096"},
    "gelu": {"forward backward": "64x2048"},
    "gelu-tanh": {"forward backward": "64x2048"},
    "relu": {"forward backward": "64x2048"},
    "swiglu": {"forward backward": "64x2048"},
    "rotary": {"forward backward": "t64-h12-d64"},
    "embedding": {"gather scatter-add": "512-of-2048x256"},
    "adam": {"adamw-step": "131072"},
    "sgd": {"momentum-step": "131072"},
    "gradient-norm": {"sum-of-squares": "131072"},
}
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}  # ours, and PyTorch's name


def lab_report(path):
    try:
        with open(path) as file:
            report = json.load(file)
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or e
        raise argparse.ArgumentTypeError(f"expected a report.json of lab bench, found {path}: {reason}") from e
    if not isinstance(report, dict) or "rows" not in report:
        raise argparse.ArgumentTypeError(f"expected a report.json of lab bench, found {path}, which has no rows")
    return report


def out_file(path):
    try:
        if os.path.isdir(path):
            raise IsADirectoryError("it is a folder")
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(path) or "."):
            pass
    except OSError as e:
        raise argparse.ArgumentTypeError(f"{path} cannot be written: {e.strerror or e}") from e
    return path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="of " + ", ".join(LARGE) + "; default all")
    parser.add_argument("--device", choices=["cuda", "cpu"], help="default cuda where PyTorch finds a GPU")
    parser.add_argument("--out", type=out_file, help="file for the rows, JSON")
    parser.add_argument("--quick", action="store_true", help="a shape of each family")
    parser.add_argument("--lab", type=lab_report, help="report.json whose workloads to measure")
    parser.add_argument("--dtypes", nargs="+", choices=list(DTYPES), help="only these")
    parser.add_argument("--compile", action="store_true", help="torch.compile too; seconds more for each")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no row after so many seconds")
    a = parser.parse_args()
    if unknown := set(a.families) - set(LARGE):
        parser.error(f"expected families of {', '.join(LARGE)}, found {', '.join(unknown)}")
    return a


# Before PyTorch is looked for: -h and mistakes do without it.
options = arguments() if __name__ == "__main__" else None

try:
    import torch
    import torch.nn.functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel
except ModuleNotFoundError as e:
    print(f"error: {sys.executable} has no module {e.name}\n  Run this by a Python with PyTorch 2.5 or newer.",
          file=sys.stderr)
    sys.exit(3)

BACKENDS = {"pytorch-flash": SDPBackend.FLASH_ATTENTION, "pytorch-cudnn": SDPBackend.CUDNN_ATTENTION,
            "pytorch-efficient": SDPBackend.EFFICIENT_ATTENTION}
PASS_MS, MOST_CALLS = 2, 1024  # of a replay, in a graph
# As `lab bench --quick` does it: products run at full power only for a while, until the power limit lowers the clock.
VISITS, COOL_DOWN_S, ITERATIONS, ITERATION_MS = 4, 0.2, 3, 5
CPU_SAMPLES_MS = 100  # of all of a row's
COMPUTE_BOUND = 8  # float32 operations a byte from which operations are what counts
EPS = 1e-5


class Case(typing.NamedTuple):
    """Work at one shape: what makes its inputs, the forward pass, which inputs have gradients, operations, bytes."""
    inputs: typing.Callable
    forward: typing.Callable
    leaves: int
    flops: dict
    bytes: dict


def sizes(shape):
    return [int(n) for n in re.findall(r"\d+", shape)]


def matmul(shape, t):
    m, n, k = sizes(shape)
    ta, tb = shape.endswith("-tn"), shape.endswith("-nt")
    return Case(lambda: (t.normal(k, m).t() if ta else t.normal(m, k), t.normal(n, k).t() if tb else t.normal(k, n)),
                torch.mm, 0, {"multiply": 2.0 * m * n * k}, {"multiply": t.size * (m * k + k * n + m * n)})


def attention(shape, t):
    batch, length, heads, kv, size, full = re.fullmatch(r"b(\d+)-t(\d+)-h(\d+)(?:-kv(\d+))?-d(\d+)(-full)?",
                                                        shape).groups()
    batch, length, heads, kv, size = int(batch), int(length), int(heads), int(kv or heads), int(size)
    pairs = length * length if full else length * (length + 1) / 2
    product = 2.0 * batch * heads * pairs * size
    rows, lse = batch * length * t.size * size, 4 * batch * heads * length
    packed, out = rows * (heads + 2 * kv), rows * heads

    def inputs():  # views of packed rows, as the lab's
        qkv = t.normal(batch, length, heads + 2 * kv, size).transpose(1, 2)
        return tuple(qkv.split([heads, kv, kv], 1))

    def forward(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=not full, enable_gqa=kv != heads)

    return Case(inputs, forward, 3, {"forward": 2 * product, "backward": 5 * product},
                {"forward": packed + out + lse, "backward": 2 * packed + 2 * out + lse})


def rows(forward, flops, tensors, inputs=lambda t, n, width: (t.normal(n, width),)):
    """Work on the rows of a matrix: operations an element, and of how many such matrices there are bytes to move."""
    def case(shape, t):
        n, width = sizes(shape)
        made = inputs(t, n, width)
        return Case(lambda: inputs(t, n, width), forward, sum(x.is_floating_point() for x in made),
                    {o: each * n * width for o, each in flops.items()},
                    {o: each * n * width * t.size for o, each in tensors.items()})
    return case


def swiglu(x):
    gate, up = x.chunk(2, -1)
    return F.silu(gate) * up


def rotary(shape, t):
    length, heads, size = sizes(shape)
    angles = torch.outer(torch.arange(length), 10000.0 ** (-torch.arange(0, size, 2) / size))[:, None, None]
    cos, sin = angles.cos().to(t.device, t.dtype), angles.sin().to(t.device, t.dtype)

    def forward(x):  # queries and keys turned, values copied
        qk, v = x.split([2, 1], 1)
        a, b = qk.chunk(2, -1)
        return torch.cat((torch.cat((a * cos - b * sin, b * cos + a * sin), -1), v), 1)

    flops, moved = 6.0 * length * heads * size, 2 * 3 * length * heads * size * t.size + 8 * length * size
    return Case(lambda: (t.normal(length, 3, heads, size),), forward, 1, dict(forward=flops, backward=flops),
                dict(forward=moved, backward=moved))


def embedding(shape, t):
    count, vocabulary, width = sizes(shape)
    row_bytes = count * width * t.size
    return Case(lambda: (t.normal(vocabulary, width), t.ids(vocabulary, count), t.normal(count, width)),
                lambda weight, ids, out: F.embedding(ids, weight), 0, {"gather": 0, "scatter-add": count * width},
                {"gather": 2 * row_bytes + 8 * count, "scatter-add": 3 * row_bytes + 8 * count})


def adam(shape, t):
    n, = sizes(shape)
    step = torch.tensor(100.0, device=t.device)

    def forward(w, g, m, v):
        torch._fused_adamw_([w], [g], [m], [v], [], [step], lr=1e-6, beta1=0.9, beta2=0.95, weight_decay=0.1, eps=1e-8,
                            amsgrad=False, maximize=False)
    return Case(lambda: (t.normal(n), t.normal(n), t.normal(n), t.normal(n).square_()), forward, 0,
                {"adamw-step": 14.0 * n}, {"adamw-step": 7 * n * t.size})


def sgd(shape, t):
    n, = sizes(shape)

    def forward(w, g, velocity):
        torch._fused_sgd_([w], [g], [velocity], weight_decay=0.0, momentum=0.9, lr=1e-7, dampening=0.0, nesterov=False,
                          maximize=False, is_first_step=False)
    return Case(lambda: (t.normal(n), t.normal(n), t.normal(n)), forward, 0, {"momentum-step": 4.0 * n},
                {"momentum-step": 5 * n * t.size})


def gradient_norm(shape, t):
    n, = sizes(shape)
    return Case(lambda: (t.normal(n),), torch.linalg.vector_norm, 0, {"sum-of-squares": 2.0 * n},
                {"sum-of-squares": n * t.size})


def weighted(count):
    return lambda t, n, width: (t.normal(n, width), *(t.normal(width) for _ in range(count)))


CASES = {
    "matmul": matmul, "attention": attention, "rotary": rotary, "embedding": embedding, "adam": adam, "sgd": sgd,
    "gradient-norm": gradient_norm,
    "softmax": rows(lambda x: torch.softmax(x, -1), dict(forward=4, backward=4), dict(forward=2, backward=3)),
    "rms-norm": rows(lambda x, w: F.rms_norm(x, w.shape, w, EPS), dict(forward=4, backward=9),
                     dict(forward=2, backward=3), weighted(1)),
    "layer-norm": rows(lambda x, w, b: F.layer_norm(x, w.shape, w, b, EPS), dict(forward=7, backward=12),
                       dict(forward=2, backward=3), weighted(2)),
    "cross-entropy": rows(lambda x, ids: F.cross_entropy(x, ids, reduction="none"),
                          {"forward": 3, "forward-backward": 6}, {"forward": 1, "forward-backward": 2},
                          lambda t, n, width: (t.normal(n, width), t.ids(width, n))),
    "gelu": rows(F.gelu, dict(forward=20, backward=25), dict(forward=2, backward=3)),
    "gelu-tanh": rows(lambda x: F.gelu(x, approximate="tanh"), dict(forward=12, backward=20),
                      dict(forward=2, backward=3)),
    "relu": rows(F.relu, dict(forward=1, backward=1), dict(forward=2, backward=3)),
    "swiglu": rows(swiglu, dict(forward=4, backward=10), dict(forward=3, backward=5),
                   lambda t, n, hidden: (t.normal(n, 2 * hidden),)),
}


class Tensors:
    """Random tensors of an element type on a device."""
    def __init__(self, device, dtype):
        self.device, self.dtype, self.size = device, dtype, dtype.itemsize

    def normal(self, *shape):
        return torch.randn(*shape, device=self.device, dtype=self.dtype)

    def ids(self, bound, count):
        return torch.randint(bound, (count,), device=self.device)


def bind(case, operation, forward):
    """Two functions: one makes a copy of the operation's memory, the other makes a call on such a copy."""
    def leaves():
        return tuple(x.detach().requires_grad_(i < case.leaves) for i, x in enumerate(case.inputs()))

    def plain(*inputs):
        with torch.no_grad():
            return forward(*inputs)

    def passed():
        inputs = leaves()
        out = forward(*inputs)
        return out, inputs[:case.leaves], torch.randn_like(out)

    def backward(out, inputs, slope):
        return torch.autograd.grad(out, inputs, slope, retain_graph=True)

    def both(*inputs):
        losses = forward(*inputs)
        return losses.detach(), *torch.autograd.grad(losses, inputs[:case.leaves], torch.ones_like(losses))

    def scatter(weight, ids, out):
        with torch.no_grad():
            return weight.index_add_(0, ids, out)

    return {"backward": (passed, backward), "forward-backward": (leaves, both),
            "scatter-add": (case.inputs, scatter)}.get(operation, (case.inputs, plain))


def memory(values):
    """Bytes of all tensors in a nest of tuples; views of one memory count once."""
    storages, todo = {}, [values]
    while todo:
        value = todo.pop()
        if isinstance(value, (tuple, list)):
            todo.extend(value)
        elif value is not None:
            storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
    return sum(storages.values())


def rotation(footprint):
    """Copies of so many bytes that are together twice as large as the L2 cache, or fill a third of the free memory."""
    torch.cuda.empty_cache()
    wanted = min(MOST_CALLS, math.ceil(2 * torch.cuda.get_device_properties(0).L2_cache_size / footprint))
    return max(1, min(wanted, torch.cuda.mem_get_info()[0] // 3 // footprint))


def elapsed(work):
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def capture(run, calls):
    """A replay of the calls, and None; where no graph can hold them, the calls, and why."""
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
            run(calls)
        return graph.replay, None
    except RuntimeError as e:
        torch.cuda.synchronize()
        return lambda: run(calls), str(e).splitlines()[0]


def cuda_samples(make, call):
    """Milliseconds a call, and why no graph was used, or None."""
    copies = [make()]
    results = call(*copies[0])
    copies += [make() for _ in range(rotation(memory((copies, results))) - 1)]
    kept = [results] + [None] * (len(copies) - 1)

    def run(count):
        for i in range(count):
            kept[i % len(copies)] = call(*copies[i % len(copies)])

    run(len(copies))
    millis = elapsed(lambda: run(len(copies))) / len(copies)
    calls = len(copies) * max(1, math.ceil(min(PASS_MS / millis, MOST_CALLS) / len(copies)))
    replay, reason = capture(run, calls)
    replays = max(1, round(ITERATION_MS / elapsed(replay)))

    def iteration():
        return elapsed(lambda: [replay() for _ in range(replays)]) / (replays * calls)

    def visit():
        time.sleep(COOL_DOWN_S)
        iteration()  # clocks rise
        return min(iteration() for _ in range(ITERATIONS))

    return [visit() for _ in range(VISITS)], reason


def cpu_samples(make, call):
    copy = make()
    call(*copy)
    samples = []
    while len(samples) < 3 or sum(samples) < CPU_SAMPLES_MS and len(samples) < 60:
        start = time.perf_counter()
        call(*copy)
        samples.append(1e3 * (time.perf_counter() - start))
    return samples, None


def known(family, shape):
    """The operations of a family there are peers of."""
    return CASES[family](shape, Tensors("meta", torch.float32)).flops


def workloads(a):
    """(family, operation, shape, dtype), each once."""
    if a.lab:
        every = [(r["family"], r["operation"], r["shape"], r["dtype"]) for r in a.lab["rows"]]
        found = [w for w in every if w[0] in CASES and "interleaved" not in w[2] and w[1] in known(w[0], w[2])]
        if left := dict.fromkeys(" ".join(w[:3]) for w in every if w not in found):
            print(f"no peer here of {', '.join(left)}")
    else:
        found = []
        for table in [SMALL] if a.device == "cpu" else [LARGE] if a.quick else [LARGE, MORE]:
            for family, lines in table.items():
                default = {"matmul": "fp32 bf16 fp16", "attention": "bf16"}.get(family, "fp32 bf16")
                for operations, shapes in lines.items():
                    chosen = shapes.split("|")[0] if a.quick else shapes.replace("|", " ")
                    found += [(family, operation, shape, dtype) for shape in chosen.split()
                              for operation in operations.split() for dtype in a.dtypes or default.split()]
    return [w for w in dict.fromkeys(found) if (not a.families or w[0] in a.families)
            and (not a.dtypes or w[3] in a.dtypes)]


def kernels(family, operation, compiled):
    if family == "attention":
        return list(BACKENDS)
    products = family == "matmul" or operation in ("scatter-add", "adamw-step", "momentum-step")
    return ["pytorch", "pytorch-compile"] if compiled and not products else ["pytorch"]


def quantile(values, q):
    """As the lab's: linear between the two next."""
    values, at = sorted(values), q * (len(values) - 1)
    low = math.floor(at)
    return values[low] + (at - low) * (values[min(low + 1, len(values) - 1)] - values[low])


def measure(workload, kernel, a):
    """The row, and a note or None. Raises RuntimeError where PyTorch refuses the work."""
    family, operation, shape, dtype = workload
    case = CASES[family](shape, Tensors(a.device, getattr(torch, DTYPES[dtype])))
    forward = case.forward
    if kernel in BACKENDS:
        def forward(*inputs):
            with sdpa_kernel(BACKENDS[kernel]):
                return case.forward(*inputs)
    elif kernel == "pytorch-compile":
        torch.compiler.reset()
        forward = torch.compile(forward, dynamic=False)
    make, call = bind(case, operation, forward)
    samples, reason = (cuda_samples if a.device == "cuda" else cpu_samples)(make, call)
    median, flops, moved = statistics.median(samples), case.flops[operation], case.bytes[operation]
    wide = CASES[family](shape, Tensors("meta", torch.float32)).bytes[operation]
    compute = flops / wide >= COMPUTE_BOUND
    return {
        "family": family, "operation": operation, "kernel": kernel, "device": a.name, "dtype": dtype, "shape": shape,
        "median_ms": median, "p20_ms": quantile(samples, 0.2), "p80_ms": quantile(samples, 0.8),
        "tflops": 1e-9 * flops / median if compute else None, "gbps": None if compute else 1e-6 * moved / median,
        "flops": flops, "bytes": moved, "samples_ms": [samples],
    }, reason and f"{'/'.join(workload)} {kernel}: without a graph ({reason})"


def refusal(said, error):
    """Why: attention's kernels tell it in warnings, beside those that the others are off."""
    told = [str(w.message).split(" (Triggered")[0] for w in said]
    reasons = [x for x in told if "not used because" not in x and "disabled" not in x]
    return (reasons or str(error).splitlines())[0]


def rate(row):
    return f"{row['tflops']:8.1f} TFLOP/s" if row["tflops"] else f"{row['gbps']:8.0f} GB/s   "


def by_workload(rows_):
    found = {}
    for row in rows_:
        found.setdefault((row["family"], row["operation"], row["shape"], row["dtype"]), []).append(row)
    return found


def compare(lab, ours):
    """The lab's fastest kernel of a workload against PyTorch's."""
    theirs, logs = by_workload(ours), []
    print("\n| workload | lab | ms | PyTorch | ms | lab is faster by |\n| --- | --- | ---: | --- | ---: | ---: |")
    for workload, rows_ in by_workload(lab["rows"]).items():
        if workload in theirs:
            best, peer = (min(r, key=lambda row: row["median_ms"]) for r in (rows_, theirs[workload]))
            logs.append(math.log(peer["median_ms"] / best["median_ms"]))
            print(f"| {' '.join(workload)} | {best['kernel']} | {best['median_ms']:.4f} | {peer['kernel']} | "
                  f"{peer['median_ms']:.4f} | {math.exp(logs[-1]):.2f} |")
    if logs:
        print(f"\nGeometric mean of {len(logs)}: {math.exp(statistics.mean(logs)):.3f}")


def report(a, rows_, notes, began):
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    if a.device == "cuda":
        versions |= {"cuda": torch.version.cuda, "cudnn": str(torch.backends.cudnn.version())}
    return {"format": "aire-lab-bench-1", "environment": {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "device": a.device,
        "name": a.name, "versions": versions, "mode": "quick" if a.quick else "full",
        "seconds": time.monotonic() - began, "notes": notes}, "rows": rows_}


def main(a):
    began, rows_, notes = time.monotonic(), [], []
    if a.device == "cuda" and not torch.cuda.is_available():
        print("error: PyTorch finds no GPU\n  See nvidia-smi, or measure on the CPU: --device cpu.", file=sys.stderr)
        return 3
    a.device = a.device or ("cuda" if torch.cuda.is_available() else "cpu")
    a.name = torch.cuda.get_device_name(0) if a.device == "cuda" else "cpu"
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("highest")
    if a.compile:
        from torch._functorch import config
        config.donated_buffer = False  # a graph is walked backward many times
    if a.device == "cuda":
        torch.cuda.set_stream(torch.cuda.Stream())  # the default one cannot be captured, and autograd stays on a stream
    todo = [(w, k) for w in workloads(a) for k in kernels(w[0], w[1], a.compile)]
    print(f"PyTorch {torch.__version__} on {a.name}: {len(todo)} rows")
    for i, (workload, kernel) in enumerate(todo):
        if time.monotonic() - began > a.seconds:
            notes.append(f"{len(todo) - i} rows were not begun within {a.seconds:.0f} s: {'/'.join(workload)} and on")
            print(notes[-1])
            break
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                row, note = measure(workload, kernel, a)
            except (RuntimeError, NotImplementedError) as e:
                row, note = None, f"{'/'.join(workload)} {kernel}: refused ({refusal(said, e)})"
        if note:
            notes.append(note)
            print(note)
        if row:
            rows_.append(row)
            print(f"{' '.join(workload):56} {kernel:18} {row['median_ms']:9.4f} ms  ({row['p20_ms']:.4f} to "
                  f"{row['p80_ms']:.4f}) {rate(row)}", flush=True)
        if a.out:  # after every row: the host may be taken away
            with open(a.out + ".part", "w") as file:
                json.dump(report(a, rows_, notes, began), file, indent=1)
            os.replace(a.out + ".part", a.out)
    if a.lab:
        compare(a.lab, rows_)
    print(f"{len(rows_)} rows in {time.monotonic() - began:.0f} s")
    return 0 if rows_ else 3


if __name__ == "__main__":
    sys.exit(main(options))
