package org.airelab.distributed.pretrain;

import java.util.Map;
import org.airelab.tracking.MetricsWriter;
import org.airelab.tracking.RunDirectory;
import org.airelab.tracking.TensorBoardWriter;

/** A run's numbers, written to metrics.jsonl and to TensorBoard's event files alike. */
final class RunMetrics implements AutoCloseable {
    static final String FILE = "metrics.jsonl";
    private static final String TENSORBOARD = "tensorboard";

    private final MetricsWriter lines;
    private final TensorBoardWriter events;

    /** Continues after {@code lastStep}, or starts when it is 0. */
    RunMetrics(RunDirectory run, long lastStep) {
        lines = lastStep == 0 ? MetricsWriter.create(run.file(FILE)) : MetricsWriter.resume(run.file(FILE), lastStep);
        events = lastStep == 0 ? TensorBoardWriter.create(run.file(TENSORBOARD))
                : TensorBoardWriter.resume(run.file(TENSORBOARD), lastStep);
    }

    void write(long step, double seconds, Map<String, Double> values) {
        lines.write(step, seconds, values);
        values.forEach((name, value) -> events.scalar(name, step, value));
    }

    void text(String name, long step, String markdown) {
        events.text(name, step, markdown);
    }

    @Override
    public void close() {
        lines.close();
        events.close();
    }
}
