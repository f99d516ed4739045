package org.airelab.kernels.attention;

import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The portable CUDA rungs, executed on the CPU: right, and free of races and of accesses out of bounds. */
class CudaAttentionTest {
    private static final Attention REFERENCE = Attention.FAMILY.reference();

    /** A rung in an element type. */
    private record Rung(CudaRung<Attention> rung, DType dtype) {
        Attention on(HostLauncher host) {
            return rung.on(host, dtype);
        }

        @Override
        public String toString() {
            return rung.name() + " " + dtype;
        }
    }

    private record Case(Rung rung, AttentionShape shape) {}

    /** What both passes write, as floats. */
    private record Result(MemorySegment out, MemorySegment lse, MemorySegment dQkv) {}

    private static Stream<Rung> rungs() {
        return Attention.FAMILY.cudaRungs().stream().filter(CudaRung::portable)
                .flatMap(rung -> rung.dtypes().stream().sorted().map(dtype -> new Rung(rung, dtype)));
    }

    private static Rung naive(DType dtype) {
        return new Rung(Attention.FAMILY.cudaRungs().getFirst(), dtype);
    }

    /** Values that the type can hold. */
    private static MemorySegment rounded(MemorySegment floats, DType dtype) {
        return decode(encode(floats, dtype), dtype);
    }

    private static MemorySegment qkv(AttentionShape shape, DType dtype) {
        return rounded(normal(shape.packedSize(), 1, 1.2), dtype);
    }

    private static MemorySegment dOut(AttentionShape shape, DType dtype) {
        return rounded(normal(shape.outSize(), 2, 1), dtype);
    }

    private static Result run(HostLauncher host, Rung rung, AttentionShape shape, MemorySegment qkv) {
        var attention = rung.on(host);
        var dtype = rung.dtype;
        var in = host.copy(encode(qkv, dtype));
        var out = host.allocate(dtype.bytes() * shape.outSize());
        var lse = host.allocate(Float.BYTES * shape.lseSize());
        var dQkv = host.allocate(dtype.bytes() * shape.packedSize());
        attention.forward(shape, in, out, lse);
        attention.backward(shape, host.copy(encode(dOut(shape, dtype), dtype)), in, out, lse, dQkv);
        host.synchronize();
        return new Result(decode(out, dtype), Native.copy(lse), decode(dQkv, dtype));
    }

    private static Result run(Rung rung, AttentionShape shape, MemorySegment qkv) {
        try (var host = new HostLauncher(shape.time())) {
            return run(host, rung, shape, qkv);
        }
    }

    private static Result reference(AttentionShape shape, DType dtype, MemorySegment qkv) {
        var result = new Result(zeros(shape.outSize()), zeros(shape.lseSize()), zeros(shape.packedSize()));
        REFERENCE.forward(shape, qkv, result.out, result.lse);
        REFERENCE.backward(shape, dOut(shape, dtype), qkv, result.out, result.lse, result.dQkv);
        return result;
    }

    /** The gradients of the queries, the keys or the values alone. */
    private static MemorySegment part(AttentionShape shape, MemorySegment dQkv, int firstHead, int heads) {
        var width = heads * shape.headSize();
        var rows = shape.batch() * shape.time();
        var part = zeros((long) rows * width);
        for (var row = 0; row < rows; row++) {
            var from = (long) row * shape.packedWidth() + (long) firstHead * shape.headSize();
            MemorySegment.copy(dQkv, 4 * from, part, 4L * row * width, 4L * width);
        }
        return part;
    }

    private static void assertClose(Result expected, Result naive, Result actual, Case of) {
        assertClose(expected.out, naive.out, actual.out, of, "out");
        assertClose(expected.lse, naive.lse, actual.lse, of, "lse");
        var shape = of.shape;
        if (shape.time() == 1) {
            // A single key: its gradient and the query's are zero but for rounding.
            assertClose(expected.dQkv, naive.dQkv, actual.dQkv, of, "dQkv");
            return;
        }
        var heads = List.of(shape.heads(), shape.kvHeads(), shape.kvHeads());
        var first = 0;
        for (var i = 0; i < 3; i++) {
            assertClose(part(shape, expected.dQkv, first, heads.get(i)), part(shape, naive.dQkv, first, heads.get(i)),
                    part(shape, actual.dQkv, first, heads.get(i)), of, List.of("dQuery", "dKey", "dValue").get(i));
            first += heads.get(i);
        }
    }

    private static void assertClose(MemorySegment expected, MemorySegment naive, MemorySegment actual, Case of,
            String what) {
        var unit = switch (of.rung.dtype) {
            case FP32 -> 0x1p-24;
            case FP16 -> 0x1p-11;
            case BF16 -> 0x1p-8;
        };
        var plain = Native.error(expected, naive);
        assertTrue(plain < 4 * unit + 1e-5, () -> of + ": the naive rung's " + what + " is off by " + plain);
        // The error of a few values is a matter of luck; that of many is not.
        var limit = Math.max(2 * plain, expected.byteSize() < 4 * 300 ? 2 * unit + 5e-7 : 5e-7);
        var error = Native.error(expected, actual);
        assertTrue(error <= limit, () -> of + ": expected " + what + " within " + limit + ", found " + error);
    }

    /** Every head size a rung is made for, both masks, grouped and not, at lengths around the tiles of 16, 32 and 64. */
    static Stream<Case> cases() {
        return rungs().flatMap(rung -> Stream.concat(
                IntStream.of(1, 2, 31, 33, 63, 65, 130).boxed()
                        .flatMap(time -> Stream.of(true, false).map(causal -> new AttentionShape(1, time, 2, 1, 32, causal))),
                headSizes(rung).boxed().flatMap(size -> Stream.of(true, false)
                        .map(causal -> new AttentionShape(2, causal ? 67 : 35, 2, causal ? 2 : 1, size, causal))))
                .map(shape -> new Case(rung, shape)));
    }

    private static IntStream headSizes(Rung rung) {
        return switch (rung.rung.name()) {
            case "naive" -> IntStream.of(1, 20);
            case "fused" -> IntStream.of(1, 20, 64, 128, 256);
            default -> IntStream.of(8, 24, 64, 128, 256);
        };
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyRungAgreesWithTheReference(Case of) {
        var shape = of.shape;
        var dtype = of.rung.dtype;
        var qkv = qkv(shape, dtype);
        assertClose(reference(shape, dtype, qkv), run(naive(dtype), shape, qkv), run(of.rung, shape, qkv), of);
    }
}
