"""Times all-reduces of a float32 array by gloo, PyTorch's back end for CPUs, between processes of this host.

    python all_reduce_gloo.py [--ranks 2] [--bytes 104857600] [--warmup 2]

Timed as `lab comm-bench` does: after a warm-up, seven repetitions of three calls; the slowest rank's time of a
repetition counts. Prints one JSON line: microseconds of a call, median, least and most.
"""
import argparse
import json
import os
import socket
import statistics
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

CALLS = 3


def slowest(seconds):
    time_of_all = torch.tensor([seconds], dtype=torch.float64)
    dist.all_reduce(time_of_all, op=dist.ReduceOp.MAX)
    return time_of_all.item()


def repetition(array):
    dist.barrier()
    start = time.perf_counter()
    for _ in range(CALLS):
        dist.all_reduce(array)
    return slowest(time.perf_counter() - start)


def rank(number, a):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=number, world_size=a.ranks)
    array = torch.zeros(a.bytes // 4)
    spent = 0
    while spent < a.warmup:  # all ranks know the same times
        spent += repetition(array)
    times = [repetition(array) / CALLS * 1e6 for _ in range(7)]
    if number == 0:
        print(json.dumps({"name": "gloo", "torch": torch.__version__, "ranks": a.ranks, "bytes": a.bytes,
                          "microseconds": statistics.median(times), "least": min(times), "most": max(times)}))
    dist.destroy_process_group()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--bytes", type=int, default=100 << 20)
    parser.add_argument("--warmup", type=float, default=2, help="seconds")
    arguments = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free.getsockname()[1]))
    mp.spawn(rank, (arguments,), nprocs=arguments.ranks)
