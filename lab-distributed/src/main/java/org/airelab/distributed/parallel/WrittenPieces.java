package org.airelab.distributed.parallel;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards;
import org.airelab.nn.Shards.Piece;
import org.airelab.train.ModelShare;

/** Which pieces of the parameters' layout a rank writes into checkpoints: each element has one writer. */
final class WrittenPieces {
    private WrittenPieces() {
    }

    /**
     * A rank's.
     *
     * @param share    of the model that it has
     * @param firstOwn the first element that is not a copy of another stage's
     * @param replicas the ranks with the same parameters, of which it is one
     */
    static List<Piece> of(FlatParameters parameters, ModelShare share, long firstOwn, Replicas replicas) {
        List<Piece> mine = new ArrayList<>();
        for (FlatParameters.Slot slot : parameters.slots()) {
            if (share.counts(slot.spec()) && slot.offset() >= firstOwn) {
                mine.addAll(of(parameters, slot.offset(), slot.offset() + slot.spec().elements(), replicas));
            }
        }
        return mine;
    }

    /** Of what replicas have all of, each writes an equal part. */
    private static List<Piece> of(FlatParameters parameters, long from, long to, Replicas replicas) {
        if (replicas.shards().stage() > 0) {
            return parameters.owned(from, to).stream().map(Shards.Owned::piece).toList();
        }
        long length = to - from;
        return List.of(new Piece(from + length * replicas.rank() / replicas.size(),
                from + length * (replicas.rank() + 1) / replicas.size()));
    }
}
