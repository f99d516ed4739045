package org.airelab.data;

import java.io.IOException;
import java.nio.file.Path;
import org.airelab.base.Hashes;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.tokenizer.Tokenizer;

/** Whether a prepared folder is what its manifest says, down to the last byte. */
final class DatasetVerification {
    private static final String ADVICE = "Delete the folder and prepare the data again with 'lab data prepare'.";

    private DatasetVerification() {
    }

    /**
     * Reads everything: sizes, SHA-256 of each shard, token ids, document counts, the tokenizer, and whether a
     * validation document is a training document.
     *
     * @throws UserError naming the first thing that is wrong
     */
    static void verify(Path folder) throws IOException {
        try (TokenDataset train = TokenDataset.open(folder, Split.TRAIN);
                TokenDataset validation = TokenDataset.open(folder, Split.VALIDATION)) {
            DatasetManifest manifest = train.manifest();
            for (Split split : Split.values()) {
                hashes(folder, split, manifest.split(split));
                documents(split, split == Split.TRAIN ? train : validation);
            }
            String tokenizer = Tokenizer.load(folder.resolve(PreparedData.TOKENIZER_FILE)).hash();
            require(tokenizer.equals(manifest.tokenizerHash()), "the tokenizer in " + folder + " has hash " + tokenizer
                    + "; the manifest says " + manifest.tokenizerHash());
            long leaked = LeakageCheck.leaked(train, validation);
            require(leaked == 0, leaked + " of " + manifest.validation().documents()
                    + " validation documents appear in training");
        }
    }

    private static void hashes(Path folder, Split split, DatasetManifest.SplitManifest manifest) throws IOException {
        long bytes = manifest.shards().stream().mapToLong(DatasetManifest.Shard::bytes).sum();
        try (Progress progress = Progress.on("verifying " + split, bytes, "bytes")) {
            for (DatasetManifest.Shard shard : manifest.shards()) {
                String hash = Hashes.sha256(folder.resolve(shard.file()));
                require(hash.equals(shard.sha256()), "the token shard " + folder.resolve(shard.file())
                        + " was altered: its SHA-256 is " + hash + "; the manifest says " + shard.sha256());
                progress.advance(shard.bytes());
            }
        }
    }

    private static void documents(Split split, TokenDataset dataset) {
        DatasetManifest.SplitManifest manifest = dataset.manifest().split(split);
        require(dataset.size() == manifest.tokens(), "the " + split + " shards hold " + dataset.size()
                + " tokens; the manifest says " + manifest.tokens());
        long documents = LeakageCheck.forEachDocument(dataset, hash -> { });
        require(documents == manifest.documents(), "the " + split + " shards hold " + documents
                + " documents; the manifest says " + manifest.documents());
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw UserError.failed(otherwise, ADVICE);
        }
    }
}
