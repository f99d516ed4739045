package org.airelab.tracking;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;

/**
 * A TensorBoard event file: scalars and texts by step, as {@code Event} messages
 * (tensorflow/core/util/event.proto, framework/summary.proto) in {@link TfRecord} frames. Each event is handed to the
 * operating system whole as it is written. Not safe for use from several threads.
 */
public final class TensorBoardWriter implements AutoCloseable {
    private static final String FILE_VERSION = "brain.Event:2";
    // Fields of Event.
    private static final int WALL_TIME = 1;
    private static final int STEP = 2;
    private static final int VERSION = 3;
    private static final int SUMMARY = 5;
    private static final int SESSION_LOG = 7;
    // Fields of Summary, Summary.Value, SummaryMetadata and its PluginData.
    private static final int VALUE = 1;
    private static final int TAG = 1;
    private static final int SIMPLE_VALUE = 2;
    private static final int TENSOR = 8;
    private static final int METADATA = 9;
    private static final int PLUGIN_DATA = 1;
    private static final int PLUGIN_NAME = 1;
    // Fields of TensorProto, and the type of its strings.
    private static final int DTYPE = 1;
    private static final int STRING_VALUE = 8;
    private static final int DT_STRING = 7;
    // SessionLog.status and its value START.
    private static final int STATUS = 1;
    private static final int START = 1;

    private final Path file;
    private final FileChannel channel;

    private TensorBoardWriter(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Begins the events of a run in a folder, which is created when it is not there.
     *
     * @throws UserError (machine) when it cannot be written
     */
    public static TensorBoardWriter create(Path folder) {
        return start(folder, 0);
    }

    /**
     * Continues a run after {@code lastStep} in another event file, from whose start on TensorBoard forgets the steps
     * after that, which the run is about to repeat.
     */
    public static TensorBoardWriter resume(Path folder, long lastStep) {
        return start(folder, lastStep + 1);
    }

    /**
     * TensorBoard takes the first START it meets for the run's beginning and every further one for a restart that
     * makes the events from its step on obsolete (tensorboard's plugin_event_accumulator.py), so each file has one.
     */
    private static TensorBoardWriter start(Path folder, long firstStep) {
        TensorBoardWriter writer = open(folder);
        writer.append(event().text(VERSION, FILE_VERSION));
        writer.append(event().varint(STEP, firstStep)
                .message(SESSION_LOG, new ProtobufWriter().varint(STATUS, START)));
        return writer;
    }

    private static TensorBoardWriter open(Path folder) {
        String base = String.format(Locale.ROOT, "events.out.tfevents.%010d.%s.%d.", System.currentTimeMillis() / 1000,
                Hardware.hostName(), ProcessHandle.current().pid());
        try {
            Files.createDirectories(folder);
            for (int i = 0;; i++) {
                Path file = folder.resolve(base + i);
                try {
                    return new TensorBoardWriter(file,
                            FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
                } catch (FileAlreadyExistsException e) {
                    // This process began another file within the second.
                    continue;
                }
            }
        } catch (IOException e) {
            throw unwritable(folder, e);
        }
    }

    /** Adds a point to the curve {@code tag}; kept in single precision, as TensorBoard does. */
    public void scalar(String tag, long step, double value) {
        append(summary(step, new ProtobufWriter().text(TAG, tag).fixed32(SIMPLE_VALUE, (float) value)));
    }

    /** Adds a text, which TensorBoard shows as Markdown, to those under {@code tag}. */
    public void text(String tag, long step, String markdown) {
        ProtobufWriter plugin = new ProtobufWriter()
                .message(PLUGIN_DATA, new ProtobufWriter().text(PLUGIN_NAME, "text"));
        ProtobufWriter tensor = new ProtobufWriter().varint(DTYPE, DT_STRING).text(STRING_VALUE, markdown);
        append(summary(step, new ProtobufWriter().text(TAG, tag).message(TENSOR, tensor).message(METADATA, plugin)));
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static ProtobufWriter summary(long step, ProtobufWriter value) {
        return event().varint(STEP, step).message(SUMMARY, new ProtobufWriter().message(VALUE, value));
    }

    private static ProtobufWriter event() {
        return new ProtobufWriter().fixed64(WALL_TIME, System.currentTimeMillis() / 1e3);
    }

    private void append(ProtobufWriter event) {
        try {
            ByteBuffer record = TfRecord.frame(event.toByteArray());
            while (record.hasRemaining()) {
                channel.write(record);
            }
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static UserError unwritable(Path file, IOException e) {
        return UserError.machine("TensorBoard events could not be written to " + file + ": " + IoReasons.of(e) + ".",
                "Free space on its disk, then continue the run with --resume.", e);
    }
}
