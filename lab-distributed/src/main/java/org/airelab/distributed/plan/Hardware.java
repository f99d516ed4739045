package org.airelab.distributed.plan;

/**
 * A kind of GPU and its links. Rates are what a data sheet says, without sparsity and in one direction; the two
 * fractions are what long runs have been seen to reach.
 *
 * @param name            as it is asked for
 * @param halfTflops      10^12 operations a second of bfloat16 and float16 matrix products
 * @param floatTflops     the same of float32
 * @param sustained       part of that rate which large products keep up in training, hour after hour
 * @param attention       part of that rate which fused attention keeps up, forward and backward together
 * @param multiprocessors which share the tiles of a product
 * @param memoryGib       memory in GiB
 * @param memoryGbs       its bandwidth in 10^9 bytes a second
 * @param nodeGbs         to the other GPUs of its node, in 10^9 bytes a second
 * @param networkGbs      of its own way to other nodes, in 10^9 bytes a second
 * @param network         what that way is
 * @param source          of the numbers
 */
public record Hardware(String name, double halfTflops, double floatTflops, double sustained, double attention,
        int multiprocessors, double memoryGib, double memoryGbs, double nodeGbs, double networkGbs, String network,
        String source) {

    /** @throws IllegalArgumentException that begins with the component that cannot be */
    public Hardware {
        positive("half_tflops", halfTflops);
        positive("float_tflops", floatTflops);
        fraction("sustained", sustained);
        fraction("attention", attention);
        positive("multiprocessors", multiprocessors);
        positive("memory_gib", memoryGib);
        positive("memory_gbs", memoryGbs);
        positive("node_gbs", nodeGbs);
        positive("network_gbs", networkGbs);
    }

    private static void positive(String key, double value) {
        if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(key + " must be above 0, found " + value);
        }
    }

    private static void fraction(String key, double value) {
        if (!(value > 0 && value <= 1)) {
            throw new IllegalArgumentException(key + " must be above 0 and at most 1, found " + value);
        }
    }

    /** Operations a second of products in a type of that many bytes. */
    double peakFlops(int elementBytes) {
        return 1e12 * (elementBytes == 2 ? halfTflops : floatTflops);
    }
}
