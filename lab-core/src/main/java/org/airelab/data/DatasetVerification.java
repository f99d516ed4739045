package org.airelab.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.airelab.base.Hashes;
import org.airelab.base.Progress;
import org.airelab.base.UserError;

/** Whether a prepared folder is what its manifest says, down to the last byte. */
final class DatasetVerification {
    private DatasetVerification() {
    }

    /** What to do about a damaged folder. */
    static String advice(Path folder) {
        return "Delete the folder " + folder + " and prepare the data again.";
    }

    /** What of a prepared folder's shards and tokenizer is not as it was written; empty when all is. */
    static Optional<String> damage(Path folder) throws IOException {
        Optional<String> shards = damagedShards(folder);
        return shards.isPresent() ? shards : damagedTokenizer(folder);
    }

    /** Whether a shard is missing or has another size than the manifest says. */
    static Optional<String> misfit(Path file, DatasetManifest.Shard shard) throws IOException {
        if (!Files.isRegularFile(file)) {
            return Optional.of("the token shard " + file + " is missing");
        }
        long bytes = Files.size(file);
        return bytes == shard.bytes() ? Optional.empty() : Optional.of(String.format(Locale.ROOT,
                "the token shard %s has %,d bytes; its manifest says %,d (%,d tokens)", file, bytes, shard.bytes(),
                shard.tokens()));
    }

    private static Optional<String> damagedShards(Path folder) throws IOException {
        for (Split split : Split.values()) {
            Optional<String> altered = altered(folder, split, DatasetManifest.read(folder).split(split));
            if (altered.isPresent()) {
                return altered;
            }
        }
        return Optional.empty();
    }

    /** By its file: a tokenizer's hash is that of the canonical file, the one that was written here. */
    private static Optional<String> damagedTokenizer(Path folder) throws IOException {
        Path file = folder.resolve(PreparedData.TOKENIZER_FILE);
        if (!Files.isRegularFile(file)) {
            return Optional.of("the tokenizer " + file + " is missing");
        }
        String hash = Hashes.sha256(file);
        String written = DatasetManifest.read(folder).tokenizerHash();
        return hash.equals(written) ? Optional.empty()
                : Optional.of("the tokenizer " + file + " was altered: its SHA-256 is " + hash + "; the manifest says "
                        + written);
    }

    /**
     * Reads everything: sizes, SHA-256 of each shard, token ids, document counts, the tokenizer, and whether a
     * validation document is a training document.
     *
     * @throws UserError (the answer is no) naming the first thing that is wrong; (bad input) without a whole manifest
     */
    static void verify(Path folder) throws IOException {
        requireNo(damagedShards(folder), folder);
        try (TokenDataset train = TokenDataset.open(folder, Split.TRAIN);
                TokenDataset validation = TokenDataset.open(folder, Split.VALIDATION)) {
            for (Split split : Split.values()) {
                documents(folder, split, split == Split.TRAIN ? train : validation);
            }
            requireNo(damagedTokenizer(folder), folder);
            long leaked = LeakageCheck.leaked(train, validation);
            require(leaked == 0, leaked + " of " + train.manifest().validation().documents()
                    + " validation documents appear in training", folder);
        }
    }

    private static Optional<String> altered(Path folder, Split split, DatasetManifest.SplitManifest manifest)
            throws IOException {
        long bytes = manifest.shards().stream().mapToLong(DatasetManifest.Shard::bytes).sum();
        try (Progress progress = Progress.on("verifying " + split, bytes, "bytes")) {
            for (DatasetManifest.Shard shard : manifest.shards()) {
                Path file = folder.resolve(shard.file());
                Optional<String> misfit = misfit(file, shard);
                if (misfit.isPresent()) {
                    return misfit;
                }
                String hash = Hashes.sha256(file);
                if (!hash.equals(shard.sha256())) {
                    return Optional.of("the token shard " + file + " was altered: its SHA-256 is " + hash
                            + "; the manifest says " + shard.sha256());
                }
                progress.advance(shard.bytes());
            }
        }
        return Optional.empty();
    }

    private static void documents(Path folder, Split split, TokenDataset dataset) {
        DatasetManifest.SplitManifest manifest = dataset.manifest().split(split);
        long documents = LeakageCheck.forEachDocument(dataset, hash -> { });
        require(documents == manifest.documents(), "the " + split + " shards hold " + documents
                + " documents; the manifest says " + manifest.documents(), folder);
    }

    private static void requireNo(Optional<String> damage, Path folder) {
        require(damage.isEmpty(), damage.orElse(""), folder);
    }

    private static void require(boolean condition, String otherwise, Path folder) {
        if (!condition) {
            throw UserError.failed(otherwise, advice(folder));
        }
    }
}
