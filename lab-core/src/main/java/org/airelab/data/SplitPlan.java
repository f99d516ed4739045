package org.airelab.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.data.source.Documents;

/**
 * Which document of the training source goes where, by its content alone: copies of a document never part, and a
 * document stays where it is when others are added.
 *
 * @param validation     the fingerprints of the validation documents, ascending
 * @param ownDocuments whether validation documents have their own source; their copies in the training source are
 *                       then left out of training, else they are the validation documents
 */
record SplitPlan(long[] validation, boolean ownDocuments) {
    /** Without a source of their own, one document in this many validates. */
    static final int VALIDATION_ONE_IN = 20;

    /** The plan for a training source and, where there is one, a validation source. */
    static SplitPlan of(Documents train, Optional<Documents> validation) throws IOException {
        if (validation.isPresent()) {
            return new SplitPlan(fingerprints(validation.get()), true);
        }
        long[] all = fingerprints(train);
        if (all.length < 2) {
            throw UserError.badInput("the data has only " + all.length + " different document, none is left to "
                    + "validate on", "Give more data, or validation data of its own with --valid.");
        }
        long[] chosen = LongStream.of(all).filter(SplitPlan::validates).toArray();
        if (chosen.length == 0 || chosen.length == all.length) {
            chosen = new long[] {all[0]};
        }
        return new SplitPlan(chosen, false);
    }

    private static boolean validates(long fingerprint) {
        return Long.remainderUnsigned(fingerprint, VALIDATION_ONE_IN) == 0;
    }

    /** Where a document of the training source goes; empty if nowhere. */
    Optional<Split> split(long fingerprint) {
        if (Arrays.binarySearch(validation, fingerprint) < 0) {
            return Optional.of(Split.TRAIN);
        }
        return ownDocuments ? Optional.empty() : Optional.of(Split.VALIDATION);
    }

    /** Whether to learn from a document of the training source. */
    boolean trains(String document) {
        return split(Fingerprint.of(document.getBytes(StandardCharsets.UTF_8))).equals(Optional.of(Split.TRAIN));
    }

    /** Ascending, each once. */
    private static long[] fingerprints(Documents documents) throws IOException {
        LongStream.Builder all = LongStream.builder();
        try (Stream<String> stream = documents.stream();
                Progress progress = Progress.on("reading", documents.bytes(), "bytes")) {
            OrderedPipeline.run(stream.iterator(), batch -> {
                long[] fingerprints = new long[batch.size()];
                for (int i = 0; i < fingerprints.length; i++) {
                    byte[] utf8 = batch.get(i).getBytes(StandardCharsets.UTF_8);
                    progress.advance(utf8.length);
                    fingerprints[i] = Fingerprint.of(utf8);
                }
                return fingerprints;
            }, fingerprints -> LongStream.of(fingerprints).forEach(all::add));
        }
        return all.build().sorted().distinct().toArray();
    }
}
