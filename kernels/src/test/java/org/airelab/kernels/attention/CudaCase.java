package org.airelab.kernels.attention;

import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.kernels.shim.HostLauncher;

/** A CUDA rung in an element type, executed on the CPU at a shape, and what is expected of it. */
record CudaCase(CudaRung<Attention> rung, DType dtype, AttentionShape shape) {
    /** What both passes write, as floats. */
    record Result(MemorySegment out, MemorySegment lse, MemorySegment dQkv) {}

    /** Every portable rung in each of its types. */
    static Stream<CudaCase> all(AttentionShape shape) {
        return Attention.FAMILY.cudaRungs().stream().filter(CudaRung::portable)
                .flatMap(rung -> rung.dtypes().stream().sorted().map(dtype -> new CudaCase(rung, dtype, shape)));
    }

    CudaCase with(AttentionShape other) {
        return new CudaCase(rung, dtype, other);
    }

    /** Relative distance of neighbouring numbers of the type, halved. */
    double unit() {
        return switch (dtype) {
            case FP32 -> 0x1p-24;
            case FP16 -> 0x1p-11;
            case BF16 -> 0x1p-8;
        };
    }

    /** Values of a normal distribution that the type can hold. */
    MemorySegment qkv() {
        return decode(encode(normal(shape.packedSize(), 1, 1.2), dtype), dtype);
    }

    private MemorySegment dOut() {
        return decode(encode(normal(shape.outSize(), 2, 1), dtype), dtype);
    }

    /** Both passes under one schedule. */
    Result run(MemorySegment qkv, long seed) {
        try (var host = new HostLauncher(seed)) {
            return run(qkv, host);
        }
    }

    Result run(MemorySegment qkv, HostLauncher host) {
        var attention = rung.on(host, dtype);
        var in = host.copy(encode(qkv, dtype));
        var out = host.allocate(dtype.bytes() * shape.outSize());
        var lse = host.allocate(Float.BYTES * shape.lseSize());
        var dQkv = host.allocate(dtype.bytes() * shape.packedSize());
        attention.forward(shape, in, out, lse);
        attention.backward(shape, host.copy(encode(dOut(), dtype)), in, out, lse, dQkv);
        host.synchronize();
        return new Result(decode(out, dtype), Native.copy(lse), decode(dQkv, dtype));
    }

    /** The gradient of rotated rows, turned back by the rung if it is to do so. */
    MemorySegment runOfRotated(MemorySegment qkv, RotaryTable table, boolean turns) {
        try (var host = new HostLauncher(1)) {
            var attention = rung.on(host, dtype);
            var in = host.copy(encode(qkv, dtype));
            var out = host.allocate(dtype.bytes() * shape.outSize());
            var lse = host.allocate(Float.BYTES * shape.lseSize());
            var dQkv = host.allocate(dtype.bytes() * shape.packedSize());
            var dOut = host.copy(encode(dOut(), dtype));
            attention.forward(shape, in, out, lse);
            if (turns) {
                var there = table.in(host.copy(table.cosines()), host.copy(table.sines()));
                assertTrue(attention.backwardOfRotated(shape, there, dOut, in, out, lse, dQkv), toString());
            } else {
                attention.backward(shape, dOut, in, out, lse, dQkv);
            }
            host.synchronize();
            return decode(dQkv, dtype);
        }
    }

    private Result reference(MemorySegment qkv) {
        var result = new Result(zeros(shape.outSize()), zeros(shape.lseSize()), zeros(shape.packedSize()));
        var reference = Attention.FAMILY.reference();
        reference.forward(shape, qkv, result.out, result.lse);
        reference.backward(shape, dOut(), qkv, result.out, result.lse, result.dQkv);
        return result;
    }

    /** The same, and that all other numbers are the reference's within roundings. */
    void assertSameNumbers(MemorySegment qkv) {
        var expected = reference(qkv);
        var actual = run(qkv, 1);
        Native.assertSameNumbers(expected.out, actual.out, 2 * unit() + 1e-6, this + " out");
        Native.assertSameNumbers(expected.lse, actual.lse, 1e-6, this + " lse");
        Native.assertSameNumbers(expected.dQkv, actual.dQkv, 2 * unit() + 1e-6, this + " dQkv");
    }

    /** Asserts that a result is at most twice as far from the reference as the naive rung's in the same type. */
    void assertClose(MemorySegment qkv, Result actual) {
        var expected = reference(qkv);
        var naive = new CudaCase(Attention.FAMILY.cudaRungs().getFirst(), dtype, shape).run(qkv, 1);
        assertClose("out", expected.out, naive.out, actual.out);
        assertClose("lse", expected.lse, naive.lse, actual.lse);
        if (shape.time() == 1) {
            // Of a single key, its gradient and the query's are zero but for rounding.
            assertClose("dQkv", expected.dQkv, naive.dQkv, actual.dQkv);
            return;
        }
        assertPartClose("dQuery", 0, shape.heads(), expected, naive, actual);
        assertPartClose("dKey", shape.heads(), shape.kvHeads(), expected, naive, actual);
        assertPartClose("dValue", shape.heads() + shape.kvHeads(), shape.kvHeads(), expected, naive, actual);
    }

    private void assertPartClose(String what, int first, int heads, Result expected, Result naive, Result actual) {
        assertClose(what, part(expected.dQkv, first, heads), part(naive.dQkv, first, heads),
                part(actual.dQkv, first, heads));
    }

    /** Some heads' columns of packed rows. */
    private MemorySegment part(MemorySegment rows, int firstHead, int heads) {
        var bytes = 4L * heads * shape.headSize();
        var count = shape.batch() * shape.time();
        var part = zeros(count * bytes / 4);
        for (var row = 0; row < count; row++) {
            var from = 4L * (row * shape.packedWidth() + firstHead * shape.headSize());
            MemorySegment.copy(rows, from, part, row * bytes, bytes);
        }
        return part;
    }

    private void assertClose(String what, MemorySegment expected, MemorySegment naive, MemorySegment actual) {
        var plain = Native.error(expected, naive);
        assertTrue(plain < 4 * unit() + 1e-5, () -> this + ": the naive rung's " + what + " is off by " + plain);
        // The error of a few values is a matter of luck; that of many is not.
        var limit = Math.max(2 * plain, expected.byteSize() < 4 * 300 ? 2 * unit() + 5e-7 : 5e-7);
        var error = Native.error(expected, actual);
        assertTrue(error <= limit, () -> this + ": expected " + what + " within " + limit + ", found " + error);
    }

    @Override
    public String toString() {
        return rung.name() + " " + dtype + " " + shape;
    }
}
