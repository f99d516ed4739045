package org.airelab.distributed.checkpoint;

import ai.djl.ndarray.NDArray;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;
import org.airelab.checkpoint.Checkpoint;
import org.airelab.checkpoint.CheckpointStore;
import org.airelab.checkpoint.CheckpointStore.FileWriter;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.checkpoint.SafetensorsWriter;
import org.airelab.checkpoint.TensorInfo;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards.Piece;

/**
 * Checkpoints that the ranks of a run write and read together, in a folder that all of them see. Rank 0 lays the files
 * out; every rank writes the bytes that it has; when all are on the disk, rank 0 makes the whole a checkpoint, in one
 * step. The files are those that a run of one rank writes, so that any number of ranks can go on from them, and any
 * tool can read them.
 */
public final class JointCheckpoints {
    private static final String SHARED = "Ranks that have parts of a model need a folder for checkpoints that all of"
            + " their hosts share.";

    private final CheckpointStore store;
    private final int rank;
    private final Runnable barrier;
    private final Map<String, TensorInfo> tensors;
    private final FlatParameters parameters;

    /**
     * A buffer of this rank's, saved in a file of its name.
     *
     * @param holds  the pieces of the parameters' layout that it has, one behind the other
     * @param writes those of them that this rank writes: each element of the model is written by one rank
     */
    public record Part(NDArray buffer, List<Piece> holds, List<Piece> writes) {
    }

    /**
     * @param store   of the run
     * @param rank    in the run
     * @param barrier waits for all ranks of the run
     * @param tensors of the whole model
     */
    public JointCheckpoints(CheckpointStore store, int rank, Runnable barrier, Map<String, TensorInfo> tensors,
            FlatParameters parameters) {
        this.store = store;
        this.rank = rank;
        this.barrier = barrier;
        this.tensors = new LinkedHashMap<>(tensors);
        this.parameters = parameters;
    }

    /**
     * Saves a checkpoint; all ranks call it at once, with files of the same names.
     *
     * @param parts by the names of their files
     * @param small files that rank 0 writes
     * @throws UserError (machine) where a disk is full or the folder cannot be written to; there is no checkpoint then
     */
    public void save(long step, Map<String, Part> parts, Map<String, FileWriter> small) {
        if (rank > 0) {
            barrier.run();
            writeParts(step, parts);
            barrier.run();
            return;
        }
        try (CheckpointStore.Draft draft = store.begin(step)) {
            for (String file : parts.keySet()) {
                layOut(draft.folder().resolve(file));
            }
            barrier.run();
            writeParts(step, parts);
            draft.writeAll(small);
            barrier.run();
            draft.commit();
        }
    }

    private void layOut(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            SafetensorsWriter.writeFrame(channel, tensors);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private void writeParts(long step, Map<String, Part> parts) {
        parts.forEach((name, part) -> {
            Path file = store.draftFolder(step).resolve(name);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                new RankTensors(parameters, part.holds).write(channel, SafetensorsWriter.places(tensors), part.buffer,
                        part.writes);
                channel.force(true);
            } catch (IOException e) {
                throw unwritable(file, e);
            }
        });
    }

    private UserError unwritable(Path file, IOException e) {
        return UserError.machine("rank " + rank + " could not write its part of the checkpoint to " + file + ": "
                + IoReasons.of(e) + ".", "Free space there; earlier checkpoints are untouched. " + SHARED, e);
    }

    /** Fills this rank's buffers from a checkpoint, which is whole. */
    public void read(Checkpoint checkpoint, Map<String, Part> parts) {
        parts.forEach((name, part) -> {
            try (SafetensorsFile file = SafetensorsFile.open(checkpoint.file(name))) {
                new RankTensors(parameters, part.holds).read(file, part.buffer);
            } catch (IOException e) {
                throw UserError.machine("rank " + rank + " could not read its part of the checkpoint from "
                        + checkpoint.file(name) + ": " + IoReasons.of(e) + ".", SHARED, e);
            }
        });
    }
}
