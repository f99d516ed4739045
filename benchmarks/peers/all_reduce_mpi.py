"""Times all-reduces of a float32 array by Open MPI's own MPI_Allreduce; Python only calls it.

    mpirun -n 2 python all_reduce_mpi.py [--bytes 104857600] [--warmup 2]

Needs Open MPI 4 (libmpi.so.40) and no package of Python's. Timed as `lab comm-bench` does: after a warm-up, seven
repetitions of three calls; the slowest rank's time of a repetition counts. Prints one JSON line: microseconds of a
call, median, least and most.
"""
import argparse
import ctypes
import json
import mmap
import statistics
import time

CALLS = 3
IN_PLACE = ctypes.c_void_p(1)
mpi = ctypes.CDLL("libmpi.so.40", mode=ctypes.RTLD_GLOBAL)


def handle(name):
    return ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(mpi, name)))


WORLD, FLOAT, DOUBLE = handle("ompi_mpi_comm_world"), handle("ompi_mpi_float"), handle("ompi_mpi_double")
SUM, MAX = handle("ompi_mpi_op_sum"), handle("ompi_mpi_op_max")


def all_reduce(address, count, kind, operation):
    assert mpi.MPI_Allreduce(IN_PLACE, ctypes.c_void_p(address), count, kind, operation, WORLD) == 0


def repetition(address, count):
    assert mpi.MPI_Barrier(WORLD) == 0
    start = time.perf_counter()
    for _ in range(CALLS):
        all_reduce(address, count, FLOAT, SUM)
    seconds = ctypes.c_double(time.perf_counter() - start)
    all_reduce(ctypes.addressof(seconds), 1, DOUBLE, MAX)
    return seconds.value


parser = argparse.ArgumentParser()
parser.add_argument("--bytes", type=int, default=100 << 20)
parser.add_argument("--warmup", type=float, default=2, help="seconds")
a = parser.parse_args()
assert mpi.MPI_Init(None, None) == 0
rank, size = ctypes.c_int(), ctypes.c_int()
mpi.MPI_Comm_rank(WORLD, ctypes.byref(rank))
mpi.MPI_Comm_size(WORLD, ctypes.byref(size))
memory = mmap.mmap(-1, a.bytes)
array = ctypes.addressof(ctypes.c_char.from_buffer(memory))
ctypes.memset(array, 0, a.bytes)
spent = 0
while spent < a.warmup:  # all ranks know the same times
    spent += repetition(array, a.bytes // 4)
times = [repetition(array, a.bytes // 4) / CALLS * 1e6 for _ in range(7)]
if rank.value == 0:
    print(json.dumps({"name": "Open MPI", "ranks": size.value, "bytes": a.bytes,
                      "microseconds": statistics.median(times), "least": min(times), "most": max(times)}))
mpi.MPI_Finalize()
