package org.airelab.kernels.cuda;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/** Work captured from a stream, to be launched again as a whole, for a few microseconds of the host's time. */
public final class CudaGraph extends DeviceResource {
    private final CUgraphExec executable = new CUgraphExec();

    private CudaGraph(CudaDevice device, CUgraph graph) {
        super(device);
        CudaException.check(JCudaDriver.cuGraphInstantiate(executable, graph, 0), "cuGraphInstantiate");
        made();
    }

    /**
     * Captures what {@code work} enqueues on a stream, without running it. What the launches use (memory, modules) must
     * live as long as the graph.
     *
     * @param stream not the default stream, which cannot be captured
     */
    public static CudaGraph capture(CudaStream stream, Runnable work) {
        stream.enter();
        // Relaxed: a kernel's first launch loads its module, and temporary memory may grow, in the middle of a capture.
        CudaException.check(JCudaDriver.cuStreamBeginCapture(stream.handle(),
                CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED), "cuStreamBeginCapture");
        CUgraph graph = new CUgraph();
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            // The capture has to end in any case; the error that matters is the one at hand.
            if (JCudaDriver.cuStreamEndCapture(stream.handle(), graph) == 0) {
                JCudaDriver.cuGraphDestroy(graph);
            }
            throw e;
        }
        stream.enter();
        CudaException.check(JCudaDriver.cuStreamEndCapture(stream.handle(), graph), "cuStreamEndCapture");
        try {
            return new CudaGraph(stream.device(), graph);
        } finally {
            CudaException.check(JCudaDriver.cuGraphDestroy(graph), "cuGraphDestroy");
        }
    }

    /** Enqueues the whole. */
    public void launch(CudaStream stream) {
        enter();
        CudaException.check(JCudaDriver.cuGraphLaunch(executable, stream.handle()), "cuGraphLaunch");
    }

    @Override
    void destroy() {
        CudaException.check(JCudaDriver.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
    }

    @Override
    public String toString() {
        return "graph of " + device();
    }
}
