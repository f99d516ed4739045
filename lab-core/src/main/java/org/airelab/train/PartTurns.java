package org.airelab.train;

import org.airelab.nn.ModelConfig;
import org.airelab.nn.Stage;

/** Tells a memory of parts what a walk through a model comes to; a tied head comes to the embedding, too. */
record PartTurns(PartMemory memory, ModelConfig config) {
    /** A part's weights are about to be read, and then those of another, if that is one of the stage's to read. */
    void comeTo(int part, int then, Stage stage) {
        if (readsEmbedding(part)) {
            memory.read(0);
        }
        memory.read(part);
        if (then >= stage.firstLayer() && then < stage.to()) {
            memory.soon(then);
        }
    }

    /** The backward pass is about to add to a part's gradients. */
    void addTo(int part) {
        memory.add(part);
        if (readsEmbedding(part)) {
            memory.add(0);
        }
    }

    /** It has. */
    void leave(int part) {
        memory.added(part);
    }

    /** Whether a part is a head that computes with the embedding's matrix. */
    private boolean readsEmbedding(int part) {
        return part > config.layers() && config.tieEmbeddings();
    }
}
