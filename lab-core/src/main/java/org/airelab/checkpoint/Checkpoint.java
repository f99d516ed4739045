package org.airelab.checkpoint;

import java.nio.file.Path;

/**
 * A checkpoint whose files were verified when this was made.
 *
 * @param step   optimizer steps done when it was saved
 * @param folder where its files are
 */
public record Checkpoint(long step, Path folder) {
    /** The path of one of its files. */
    public Path file(String name) {
        return folder.resolve(name);
    }
}
