package org.airelab.distributed.checkpoint;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.airelab.base.UserError;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.checkpoint.TensorData;
import org.airelab.nn.Cut;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.FlatParameters.Slot;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * A rank's buffers as what they are of the whole model's tensors. A buffer holds some pieces of the flat layout of the
 * rank's parameters, one behind the other: all of it, or what the rank owns.
 */
public final class RankTensors {
    /** Elements that pass through host memory at a time. */
    private static final long PORTION = 1 << 22;

    private final List<Stretch> stretches = new ArrayList<>();

    /**
     * Neighbouring elements of one parameter in a buffer.
     *
     * @param from   the first, counted in the parameter
     * @param place  the first, counted in the buffer
     * @param length how many there are
     */
    private record Stretch(Slot slot, long from, long place, long length) {
    }

    /** The tensors of a buffer that holds {@code pieces} of {@code parameters}' layout. */
    public RankTensors(FlatParameters parameters, List<Piece> pieces) {
        long before = 0;
        for (Piece piece : pieces) {
            for (Slot slot : parameters.slots()) {
                long from = Math.max(slot.offset(), piece.from());
                long to = Math.min(slot.offset() + slot.spec().elements(), piece.to());
                if (from < to) {
                    stretches.add(new Stretch(slot, from - slot.offset(), before + from - piece.from(), to - from));
                }
            }
            before += piece.size();
        }
    }

    /** What is done with elements that are neighbours in host memory and in the whole tensor. */
    private interface Run {
        /**
         * @param whole the first element, counted in the whole tensor
         * @param host  the first element, counted in host memory
         */
        void at(long whole, long host, long length) throws IOException;
    }

    /** Goes through {@code length} elements of a parameter, {@code from} on. */
    private static void runs(Slot slot, long from, long length, Run run) throws IOException {
        for (Cut.Run one : slot.spec().runs(from, from + length)) {
            run.at(one.whole(), one.local() - from, one.length());
        }
    }

    /**
     * Writes elements of a buffer into their places in a file.
     *
     * @param places where each whole tensor's bytes begin in the file
     * @param mine   the pieces of the layout of which this rank writes what it has
     */
    public void write(FileChannel file, Map<String, Long> places, NDArray buffer, List<Piece> mine)
            throws IOException {
        ScalarType type = NativeArrays.type(buffer);
        portions(buffer, within(mine), (stretch, from, length, host, device) -> {
            NativeArrays.copy(device, host);
            ByteBuffer bytes = NativeArrays.memory(host).asByteBuffer();
            long begin = places.get(stretch.slot.spec().path());
            runs(stretch.slot, from, length, (whole, at, count) -> writeFully(file,
                    bytes.slice(Math.toIntExact(at * type.bytes()), Math.toIntExact(count * type.bytes())),
                    begin + whole * type.bytes()));
        });
    }

    private static void writeFully(FileChannel file, ByteBuffer bytes, long position) throws IOException {
        long begin = position;
        while (bytes.hasRemaining()) {
            begin += file.write(bytes, begin);
        }
    }

    /**
     * Fills a buffer from a file of the whole model.
     *
     * @throws UserError (bad input) naming the file and the tensor, when one is not there or is another
     */
    public void read(SafetensorsFile file, NDArray buffer) throws IOException {
        ScalarType type = NativeArrays.type(buffer);
        portions(buffer, stretches, (stretch, from, length, host, device) -> {
            TensorData tensor = file.tensor(stretch.slot.spec().path());
            if (tensor.dtype().bytes() != type.bytes()
                    || !Arrays.equals(tensor.shape(), stretch.slot.spec().wholeShape())) {
                throw UserError.badInput(file.path() + " holds the tensor " + stretch.slot.spec().path() + " as "
                        + tensor.info() + ", which the model has not.", "Resume with the model that was saved.");
            }
            MemorySegment target = NativeArrays.memory(host);
            runs(stretch.slot, from, length, (whole, at, count) -> MemorySegment.copy(tensor.data(),
                    whole * type.bytes(), target, at * type.bytes(), count * type.bytes()));
            NativeArrays.copy(host, device);
        });
    }

    private interface Portion {
        void with(Stretch stretch, long from, long length, NDArray host, NDArray device) throws IOException;
    }

    private List<Stretch> within(List<Piece> pieces) {
        List<Stretch> found = new ArrayList<>();
        for (Stretch stretch : stretches) {
            long begin = stretch.slot.offset() + stretch.from;
            for (Piece piece : pieces) {
                long from = Math.max(begin, piece.from());
                long to = Math.min(begin + stretch.length, piece.to());
                if (from < to) {
                    found.add(new Stretch(stretch.slot, from - stretch.slot.offset(), stretch.place + from - begin,
                            to - from));
                }
            }
        }
        return found;
    }

    private static void portions(NDArray buffer, List<Stretch> stretches, Portion portion) throws IOException {
        ScalarType type = NativeArrays.type(buffer);
        try (NDManager outer = buffer.getManager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            NDArray memory = Tensor.empty(type, Device.cpu(), PORTION).attach(outer);
            for (Stretch stretch : stretches) {
                for (long done = 0; done < stretch.length; done += PORTION) {
                    long length = Math.min(PORTION, stretch.length - done);
                    try (NDManager scope = outer.newSubManager()) {
                        portion.with(stretch, stretch.from + done, length,
                                NativeArrays.view(memory, 0, length).attach(scope),
                                NativeArrays.view(buffer, stretch.place + done, length).attach(scope));
                    }
                }
            }
        }
    }
}
