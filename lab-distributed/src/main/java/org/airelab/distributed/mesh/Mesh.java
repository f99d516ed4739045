package org.airelab.distributed.mesh;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.mesh.MeshShape.Place;

/**
 * A grid of ranks, seen by one of them: its place, and the groups of those it shares a line or a plane with. In each
 * group ranks are ordered by their places.
 */
public final class Mesh implements AutoCloseable {
    private final MeshShape shape;
    private final Place place;
    private final ProcessGroup world;
    private final List<ProcessGroup> made = new ArrayList<>();
    private final ProcessGroup replicas;
    private final ProcessGroup context;
    private final ProcessGroup tensor;
    private final ProcessGroup pipeline;
    private final ProcessGroup model;

    /**
     * The groups of a grid; every rank of {@code world} makes them at once. {@code world} is closed with this.
     */
    public Mesh(ProcessGroup world, MeshShape shape) {
        if (shape.ranks() != world.size()) {
            throw new IllegalArgumentException("a mesh of " + shape.ranks() + " ranks over " + world.size());
        }
        this.world = world;
        this.shape = shape;
        place = shape.place(world.rank());
        // A world of one does its collectives, too: whoever has made it wants to see that they work.
        replicas = world.size() == 1 ? world
                : group("replicas", shape.dp() * shape.cp(), new Place(0, 0, place.tp(), place.pp()));
        context = group("context", shape.cp(), new Place(place.dp(), 0, place.tp(), place.pp()));
        tensor = group("tensor", shape.tp(), new Place(place.dp(), place.cp(), 0, place.pp()));
        pipeline = group("pipeline", shape.pp(), new Place(place.dp(), place.cp(), place.tp(), 0));
        model = group("model", shape.tp() * shape.pp(), new Place(place.dp(), place.cp(), 0, 0));
    }

    /** The group of the ranks that are as this one but in some coordinates, which {@code first} has as 0. */
    private ProcessGroup group(String name, int size, Place first) {
        if (size == 1) {
            return null;
        }
        if (size == world.size()) {
            return world;
        }
        ProcessGroup group = world.split(name, shape.rank(first));
        made.add(group);
        return group;
    }

    /** Its sizes. */
    public MeshShape shape() {
        return shape;
    }

    /** This rank's place. */
    public Place place() {
        return place;
    }

    /** All ranks. */
    public ProcessGroup world() {
        return world;
    }

    /**
     * The ranks with the same parameters, in data and context parallelism: they sum gradients and may share what
     * belongs to the parameters. Null where this is the only one of several, as for all the following.
     */
    public ProcessGroup replicas() {
        return replicas;
    }

    /** The ranks with other tokens of the same samples. */
    public ProcessGroup context() {
        return context;
    }

    /** The ranks with other parts of the same layers. */
    public ProcessGroup tensor() {
        return tensor;
    }

    /** The ranks with other layers, first to last. */
    public ProcessGroup pipeline() {
        return pipeline;
    }

    /** The ranks that together have one model: those of tensor and pipeline parallelism. */
    public ProcessGroup model() {
        return model;
    }

    /** Lets all pending and later work of this rank's groups fail, for the reason given: {@link ProcessGroup#abort}. */
    public void abort(String reason) {
        made.reversed().forEach(group -> group.abort(reason));
        world.abort(reason);
    }

    @Override
    public void close() {
        made.reversed().forEach(ProcessGroup::close);
        world.close();
    }
}
