package org.airelab.distributed.group.nccl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.airelab.distributed.group.Reduction;
import org.airelab.torch.ScalarType;

/**
 * The functions of NCCL that groups use, with the numbers of {@code nccl.h}, the same in all of NCCL 2.14.3, 2.18.1,
 * 2.23.4 and 2.31. Not to be touched before {@link NcclLibrary#get} has succeeded. Functions give NCCL's
 * result code, {@code ncclResult_t}.
 */
final class Nccl {
    /** {@code ncclResult_t}. */
    static final int SUCCESS = 0;
    static final int IN_PROGRESS = 7;

    /** NCCL_UNIQUE_ID_BYTES. */
    static final int ID_BYTES = 128;
    private static final MemoryLayout ID = MemoryLayout.structLayout(
            MemoryLayout.sequenceLayout(ID_BYTES, JAVA_BYTE).withName("internal"));

    static final MethodHandle GET_VERSION = function("ncclGetVersion", ADDRESS);
    static final MethodHandle GET_UNIQUE_ID = function("ncclGetUniqueId", ADDRESS);
    static final MethodHandle INIT = function("ncclCommInitRankConfig", ADDRESS, JAVA_INT, ID, JAVA_INT, ADDRESS);
    static final MethodHandle SPLIT = function("ncclCommSplit", ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle FINALIZE = function("ncclCommFinalize", ADDRESS);
    static final MethodHandle DESTROY = function("ncclCommDestroy", ADDRESS);
    static final MethodHandle ABORT = function("ncclCommAbort", ADDRESS);
    static final MethodHandle ASYNC_ERROR = function("ncclCommGetAsyncError", ADDRESS, ADDRESS);
    static final MethodHandle ALL_REDUCE =
            function("ncclAllReduce", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle REDUCE_SCATTER =
            function("ncclReduceScatter", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle ALL_GATHER =
            function("ncclAllGather", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle BROADCAST =
            function("ncclBroadcast", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle SEND =
            function("ncclSend", ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle RECEIVE =
            function("ncclRecv", ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle ERROR_STRING = text("ncclGetErrorString", JAVA_INT);
    private static final MethodHandle LAST_ERROR = text("ncclGetLastError", ADDRESS);

    /** NCCL_API_MAGIC. */
    private static final int MAGIC = 0xcafebeef;
    /** NCCL_VERSION(2, 14, 0), the first whose {@code ncclConfig_t} has {@code blocking}, as its last member. */
    private static final int CONFIG_VERSION = 21400;
    private static final int CONFIG_BYTES = 24;
    private static final long TEXT_BYTES = 4096;

    private Nccl() {
    }

    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(NcclLibrary.get().findOrThrow(name),
                FunctionDescriptor.of(JAVA_INT, arguments));
    }

    private static MethodHandle text(String name, MemoryLayout argument) {
        return Linker.nativeLinker().downcallHandle(NcclLibrary.get().findOrThrow(name),
                FunctionDescriptor.of(ADDRESS, argument));
    }

    /** A call of NCCL. */
    @FunctionalInterface
    interface NativeCall {
        int run() throws Throwable;
    }

    static int run(NativeCall call) {
        try {
            return call.run();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError("foreign functions throw nothing", t);
        }
    }

    /** Such as {@code 2.23.4}. */
    static String version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(JAVA_INT);
            run(() -> (int) GET_VERSION.invokeExact(number));
            int code = number.get(JAVA_INT, 0);
            return code / 10_000 + "." + code % 10_000 / 100 + "." + code % 100;
        }
    }

    /**
     * An {@code ncclConfig_t} that asks for a communicator that does not block. That of 2.14: members that younger
     * versions have appended take their defaults where the version says that they are not there.
     */
    static MemorySegment nonBlocking(Arena arena) {
        MemorySegment config = arena.allocate(CONFIG_BYTES, Long.BYTES);
        config.set(JAVA_LONG, 0, CONFIG_BYTES);
        config.set(JAVA_INT, 8, MAGIC);
        config.set(JAVA_INT, 12, CONFIG_VERSION);
        config.set(JAVA_INT, 16, 0);
        return config;
    }

    /** {@code ncclDataType_t}. */
    static int code(ScalarType type) {
        return switch (type) {
            case UINT8, BOOL -> 1;
            case INT32 -> 2;
            case INT64 -> 4;
            case FLOAT16 -> 6;
            case FLOAT32 -> 7;
            case FLOAT64 -> 8;
            case BFLOAT16 -> 9;
        };
    }

    /** {@code ncclRedOp_t}. */
    static int code(Reduction reduction) {
        return switch (reduction) {
            case SUM -> 0;
            case MAX -> 2;
            case MIN -> 3;
        };
    }

    /** What NCCL says of a result code, and what it has said last. */
    static String text(int code) {
        try {
            String meaning = string((MemorySegment) ERROR_STRING.invokeExact(code));
            String last = string((MemorySegment) LAST_ERROR.invokeExact(MemorySegment.NULL)).strip();
            return "NCCL says '" + meaning + "'" + (last.isEmpty() ? "" : " (" + last.replaceAll("\\s+", " ") + ")");
        } catch (Throwable t) {
            throw new AssertionError("foreign functions throw nothing", t);
        }
    }

    private static String string(MemorySegment text) {
        return text.address() == 0 ? "" : text.reinterpret(TEXT_BYTES).getString(0);
    }
}
