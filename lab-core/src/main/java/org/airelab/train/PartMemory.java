package org.airelab.train;

/**
 * Who has a model's parts in memory when they are computed with, where a rank keeps a share of each part alone. An
 * engine tells it of each part that it comes to, numbered as {@link org.airelab.nn.Stage} does, evaluation included.
 * Ranks that share a model walk it alike.
 */
public interface PartMemory {
    /** Where all parts are there all the time. */
    PartMemory KEPT = new PartMemory() {
        @Override
        public void read(int part) {
            // Its weights are there.
        }

        @Override
        public void soon(int part) {
            // So are they.
        }

        @Override
        public void add(int part) {
            // Its gradients are there.
        }

        @Override
        public void added(int part) {
            // And stay.
        }
    };

    /**
     * The weights of a part are read from now on, for its forward or its backward pass. They are no longer when the
     * engine comes to another part, except that the head of a tied model reads the embedding's with its own.
     */
    void read(int part);

    /** The part that is read after the one that the engine has come to. */
    void soon(int part);

    /**
     * The backward pass adds to a part's gradients from now on. Of a tied model it adds to the embedding's in the head
     * already, and comes here again in the embedding.
     */
    void add(int part);

    /** The backward pass has added to a part's gradients all that it adds. */
    void added(int part);
}
