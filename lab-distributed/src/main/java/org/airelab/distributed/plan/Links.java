package org.airelab.distributed.plan;

import org.airelab.distributed.mesh.MeshShape;

/**
 * Seconds of collectives over a cluster's links. A collective is a ring (Patarasuk and Yuan 2009) whose bandwidth is
 * that of the slowest hop; GPUs of a node that are in one group share their ways to the network, a ring each.
 */
final class Links {
    /** What NCCL reaches of a link: 235 of 300 GB/s on 8 A100 (ml-engineering, network/README.md). */
    private static final double REACHED = 0.8;
    /** Seconds of a doubling of the group, in a node and over the network. */
    private static final double NODE_LATENCY = 8e-6;
    private static final double NETWORK_LATENCY = 15e-6;

    private final Cluster cluster;

    Links(Cluster cluster) {
        this.cluster = cluster;
    }

    /**
     * Ranks that communicate.
     *
     * @param size   how many
     * @param inNode how many of them share a node
     */
    record Group(int size, int inNode) {
        boolean overNetwork() {
            return size > inNode;
        }
    }

    /** Of tensor parallelism: neighbours (see {@link MeshShape}). */
    Group tensor(MeshShape mesh) {
        return group(mesh.tp(), 1);
    }

    Group context(MeshShape mesh) {
        return group(mesh.cp(), mesh.tp());
    }

    /** Of the ranks with the same parameters, in data and context parallelism. */
    Group replicas(MeshShape mesh) {
        return group(mesh.cp() * mesh.dp(), mesh.tp());
    }

    Group pipeline(MeshShape mesh) {
        return group(mesh.pp(), mesh.tp() * mesh.cp() * mesh.dp());
    }

    /** @param stride ranks from one of the group to the next */
    private Group group(int size, int stride) {
        return new Group(size, Math.clamp(cluster.perNode() / stride, 1, size));
    }

    private double latency(Group group) {
        return (group.overNetwork() ? NETWORK_LATENCY : NODE_LATENCY) * Math.ceil(Math.log(group.size) / Math.log(2));
    }

    /** All-gather or reduce-scatter of so many bytes in all; an all-reduce is both. */
    double ring(Group group, double bytes) {
        if (group.size == 1) {
            return 0;
        }
        Hardware gpu = cluster.gpu();
        double rate = group.overNetwork() ? Math.min(gpu.nodeGbs(), group.inNode * gpu.networkGbs()) : gpu.nodeGbs();
        return sent(group, bytes) / (1e9 * rate * REACHED) + latency(group);
    }

    /** Bytes that each rank sends for it. */
    static double sent(Group group, double bytes) {
        return (group.size - 1.0) / group.size * bytes;
    }

    /** From a rank to its neighbour in the group, by the slowest way of such. */
    double send(Group group, double bytes) {
        if (group.size == 1) {
            return 0;
        }
        double rate = group.overNetwork() ? cluster.gpu().networkGbs() : cluster.gpu().nodeGbs();
        return bytes / (1e9 * rate * REACHED) + (group.overNetwork() ? NETWORK_LATENCY : NODE_LATENCY);
    }
}
