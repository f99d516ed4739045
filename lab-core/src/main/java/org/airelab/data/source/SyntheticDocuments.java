package org.airelab.data.source;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.airelab.base.Hashes;
import org.airelab.data.story.StoryGrammar;

/**
 * The first stories of the built-in grammar's endless sequence.
 *
 * @param stories how many
 * @param seed    of the sequence
 */
public record SyntheticDocuments(long stories, long seed) implements Documents {
    /** About the length of a story. */
    private static final long STORY_BYTES = 430;

    @Override
    public Stream<String> stream() {
        StoryGrammar grammar = StoryGrammar.builtIn();
        return LongStream.range(0, stories).mapToObj(index -> grammar.story(seed, index));
    }

    @Override
    public String hash() {
        String identity = StoryGrammar.builtIn().hash() + " " + stories + " " + seed;
        return Hashes.sha256(identity.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public long bytes() {
        return stories * STORY_BYTES;
    }

    @Override
    public Optional<StoryGrammar> grammar() {
        return Optional.of(StoryGrammar.builtIn());
    }
}
