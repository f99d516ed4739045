package org.airelab.benchmarks.kernels.gpu;

import ai.djl.engine.EngineException;
import java.util.Optional;
import org.airelab.kernels.cuda.CudaEvent;
import org.airelab.kernels.cuda.CudaException;
import org.airelab.kernels.cuda.CudaGraph;
import org.airelab.kernels.cuda.CudaStream;

/**
 * Warm: replays of a graph whose calls go round the copies, a whole number of times. Of a library's work that cannot be
 * captured, the same calls without a graph.
 */
final class ReplayTimer implements GpuTimer {
    /** Milliseconds a pass should take: the graph's launch, some microseconds, is then nothing to speak of. */
    private static final double PASS = 2;

    private final CudaStream stream;
    private final Work work;
    private final CudaEvent start;
    private final CudaEvent end;
    private final int calls;
    private final Optional<CudaGraph> graph;

    ReplayTimer(CudaStream stream, Work work) {
        this.stream = stream;
        this.work = work;
        start = new CudaEvent(stream.device());
        end = new CudaEvent(stream.device());
        // The first time kernels are compiled and loaded, and workspaces allocated.
        run(work.copies());
        calls = calls(work.copies(), time(() -> run(work.copies())) / work.copies());
        graph = capture();
    }

    /**
     * Calls of a pass: as many as take {@link #PASS}, in whole rounds of the copies, at most {@link Rotation#MOST} or
     * one round.
     *
     * @param millis of a call, at most; for short ones that is the host's time to launch it
     */
    static int calls(int copies, double millis) {
        double wanted = Math.min(PASS / millis, Rotation.MOST);
        return copies * (int) Math.max(1, Math.ceil(wanted / copies));
    }

    private Optional<CudaGraph> capture() {
        if (!work.foreign()) {
            return Optional.of(CudaGraph.capture(stream, () -> run(calls)));
        }
        try {
            return Optional.of(CudaGraph.capture(stream, () -> run(calls)));
        } catch (CudaException | EngineException e) {
            // It waits for the device, or allocates in a way that no graph knows. The capture is over, all else stays.
            return Optional.empty();
        }
    }

    private void run(int count) {
        for (int i = 0; i < count; i++) {
            work.call(i % work.copies());
        }
    }

    private double time(Runnable enqueued) {
        start.record(stream);
        enqueued.run();
        end.record(stream);
        end.synchronize();
        return end.millisSince(start);
    }

    @Override
    public int calls() {
        return calls;
    }

    @Override
    public double pass() {
        return time(() -> graph.ifPresentOrElse(g -> g.launch(stream), () -> run(calls)));
    }

    @Override
    public boolean asWanted() {
        return graph.isPresent();
    }

    @Override
    public void close() {
        graph.ifPresent(CudaGraph::close);
        end.close();
        start.close();
    }
}
