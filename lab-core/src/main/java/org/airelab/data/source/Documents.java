package org.airelab.data.source;

import java.io.IOException;
import java.util.Optional;
import java.util.stream.Stream;
import org.airelab.data.story.StoryGrammar;

/** Documents in a fixed order, read as often as one likes, never all in memory. */
public interface Documents {
    /**
     * Every document, in order; none is empty. Close the stream. Reading errors leave it as
     * {@link java.io.UncheckedIOException}.
     *
     * @throws org.airelab.base.UserError from the stream too, if there are no documents or they are no text
     */
    Stream<String> stream() throws IOException;

    /** SHA-256 of all that determines the documents. */
    String hash() throws IOException;

    /** About how many bytes of UTF-8 there are, for a progress line. */
    long bytes() throws IOException;

    /** The distribution the documents are drawn from, where it is known. */
    default Optional<StoryGrammar> grammar() {
        return Optional.empty();
    }
}
