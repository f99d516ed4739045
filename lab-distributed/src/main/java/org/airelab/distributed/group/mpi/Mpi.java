package org.airelab.distributed.group.mpi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of MPI that groups use (MPI 3.1; handles as in Open MPI's {@code mpi.h}). Not to be touched before
 * {@link MpiLibrary#get} has succeeded. Functions give MPI's error code, for {@link #check}.
 */
final class Mpi {
    static final MemorySegment COMM_WORLD = symbol("ompi_mpi_comm_world");
    static final MemorySegment BYTE = symbol("ompi_mpi_byte");
    static final MemorySegment FLOAT = symbol("ompi_mpi_float");
    static final MemorySegment INT32 = symbol("ompi_mpi_int32_t");
    static final MemorySegment INT64 = symbol("ompi_mpi_int64_t");
    static final MemorySegment SUM = symbol("ompi_mpi_op_sum");
    static final MemorySegment MAX = symbol("ompi_mpi_op_max");
    static final MemorySegment MIN = symbol("ompi_mpi_op_min");
    static final MemorySegment IN_PLACE = MemorySegment.ofAddress(1);
    /** Only the thread that has started MPI calls it. */
    static final int THREAD_FUNNELED = 1;

    static final MethodHandle INIT_THREAD = function("MPI_Init_thread", ADDRESS, ADDRESS, JAVA_INT, ADDRESS);
    static final MethodHandle FINALIZE = function("MPI_Finalize");
    static final MethodHandle COMM_RANK = function("MPI_Comm_rank", ADDRESS, ADDRESS);
    static final MethodHandle COMM_SIZE = function("MPI_Comm_size", ADDRESS, ADDRESS);
    static final MethodHandle COMM_DUP = function("MPI_Comm_dup", ADDRESS, ADDRESS);
    static final MethodHandle COMM_SPLIT = function("MPI_Comm_split", ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
    static final MethodHandle COMM_FREE = function("MPI_Comm_free", ADDRESS);
    static final MethodHandle COMM_SET_ERRHANDLER = function("MPI_Comm_set_errhandler", ADDRESS, ADDRESS);
    static final MethodHandle ERROR_STRING = function("MPI_Error_string", JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle ISEND =
            function("MPI_Isend", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle IRECV =
            function("MPI_Irecv", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle IALLREDUCE =
            function("MPI_Iallreduce", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle IREDUCE =
            function("MPI_Ireduce", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle IREDUCE_SCATTER_BLOCK =
            function("MPI_Ireduce_scatter_block", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle IALLGATHER =
            function("MPI_Iallgather", ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle IBCAST =
            function("MPI_Ibcast", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle TEST = function("MPI_Test", ADDRESS, ADDRESS, ADDRESS);

    private static final int SUCCESS = 0;
    /** MPI_MAX_ERROR_STRING. */
    private static final int ERROR_BYTES = 256;

    private Mpi() {
    }

    private static MemorySegment symbol(String name) {
        return MpiLibrary.get().find(name).orElseThrow(() -> new LinkageError("Open MPI's library has no " + name));
    }

    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(symbol(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /** Lets the functions that use a communicator give errors, where otherwise they would end the process. */
    static void returnErrors(MemorySegment communicator) {
        check(() -> (int) COMM_SET_ERRHANDLER.invokeExact(communicator, symbol("ompi_mpi_errors_return")));
    }

    /** A call of MPI. */
    @FunctionalInterface
    interface NativeCall {
        int run() throws Throwable;
    }

    /** Makes a call, and throws {@link IllegalStateException} with MPI's own text when it fails. */
    static void check(NativeCall call) {
        int code = run(call);
        if (code != SUCCESS) {
            throw new IllegalStateException("MPI: " + text(code));
        }
    }

    private static int run(NativeCall call) {
        try {
            return call.run();
        } catch (Throwable t) {
            throw new AssertionError("foreign functions throw nothing", t);
        }
    }

    private static String text(int code) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(JAVA_BYTE, ERROR_BYTES);
            MemorySegment length = arena.allocate(JAVA_INT);
            run(() -> (int) ERROR_STRING.invokeExact(code, text, length));
            return text.getString(0);
        }
    }
}
