"""Makes a Markdown table of what gpu/train.sh measured: on standard input a JSON line a run, on standard output a row
for each model and kind of run, of the median of its rounds, against the faster of PyTorch's.

    python tabulate_training.py < training.jsonl
"""
import json
import statistics
import sys

speeds, runs = {}, {}
for run in map(json.loads, sys.stdin):
    speeds.setdefault((run["model"], run["run"]), []).append(run["tokens_per_second"])
    runs[run["model"], run["run"]] = run  # what else it says differs little between rounds
medians = {key: statistics.median(values) for key, values in speeds.items()}
print("| model | run | tokens/s | range | against PyTorch's best | model TFLOP/s | MFU | GPU memory, MiB | loss |\n"
      "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
for (model, kind), median in medians.items():
    run, values = runs[model, kind], speeds[model, kind]
    peer = max((m for (of, name), m in medians.items() if of == model and name.startswith("PyTorch")), default=None)
    cells = [model, kind, f"{median:,.0f}",
             f"{min(values):,.0f} to {max(values):,.0f}" if len(values) > 1 else "one run",
             f"{median / peer:.2f}" if peer else "-", f"{run['model_tflops'] * median / values[-1]:.1f}",
             f"{run['mfu'] * median / values[-1]:.1%}" if run.get("mfu") else "-", str(run.get("gpu_used_mb") or "-"),
             f"{run['loss']:.3f}"]
    print("| " + " | ".join(cells) + " |")
