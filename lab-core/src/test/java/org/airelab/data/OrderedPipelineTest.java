package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OrderedPipelineTest {
    @Test
    void resultsComeInTheOrderOfTheDocuments() throws IOException {
        List<String> documents = IntStream.range(0, 300).mapToObj(i -> i + "x".repeat(i * 100)).toList();
        List<String> found = new ArrayList<>();
        OrderedPipeline.run(documents.iterator(), batch -> batch, found::addAll);
        assertEquals(documents, found);
        OrderedPipeline.run(Collections.<String>emptyIterator(), batch -> batch, found::addAll);
        assertEquals(documents, found);
    }

    /** Two documents that together are too much are never both at work, however many processors there are. */
    @Test
    void hugeDocumentsAreNotAllInMemory() throws IOException {
        String huge = "x".repeat(OrderedPipeline.MOST_CHARACTERS);
        int[] taken = {0};
        int[] done = {0};
        var documents = Collections.nCopies(8, huge).stream().peek(document -> {
            taken[0]++;
            assertTrue(taken[0] - done[0] <= 2, "one at work and one to follow, found " + (taken[0] - done[0]));
        }).iterator();
        OrderedPipeline.run(documents, batch -> batch.size(), size -> done[0] += size);
        assertEquals(8, done[0]);
    }
}
