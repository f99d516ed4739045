package org.airelab.distributed.pretrain;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.data.DataPreparation;
import org.airelab.data.DataSpec;
import org.airelab.data.PreparedData;
import org.airelab.data.TokenizerChoice;
import org.airelab.tracking.RunManifest;

/** The data a run learns from: of a new run as it is configured, of a resumed one as it was. */
final class PretrainData {
    private PretrainData() {
    }

    /** Prepares a new run's data, or finds it prepared. */
    static PreparedData prepare(PretrainConfig config) throws IOException {
        return prepare(config, config.data().tokenizer().isEmpty()
                ? new TokenizerChoice.Train(config.model().vocabSize())
                : new TokenizerChoice.Existing(Path.of(config.data().tokenizer())));
    }

    /** A new run as it is kept, when its data is known: found from any folder, with its tokenizer's vocabulary. */
    static PretrainConfig resolved(PretrainConfig asked, PreparedData data) {
        return asked.withAbsolutePaths().withVocabSize(data.manifest().vocabularySize());
    }

    private static PreparedData prepare(PretrainConfig config, TokenizerChoice tokenizer) throws IOException {
        String valid = config.data().valid();
        return DataPreparation.prepare(DataSpec.parse(config.data().train()),
                valid.isEmpty() ? Optional.empty() : Optional.of(DataSpec.parse(valid)), tokenizer,
                DataPreparation.defaultCacheFolder());
    }

    /**
     * The very data a run began with, by its own tokenizer even where this program would train another one.
     *
     * @param tokenizer the run's tokenizer.json
     * @param standing  what the run's manifest says
     * @throws UserError (bad input) when the text has changed since
     */
    static PreparedData same(PretrainConfig config, Path tokenizer, RunManifest.Standing standing) throws IOException {
        PreparedData data = prepare(config);
        boolean same = data.manifest().key().equals(standing.dataSha256());
        if (!data.manifest().tokenizerHash().equals(standing.tokenizerSha256())) {
            data = prepare(config, new TokenizerChoice.Existing(tokenizer));
            same |= data.manifest().key().equals(standing.dataSha256());
        }
        if (!same) {
            throw UserError.badInput("the data " + config.data().train() + " has changed since this run began.",
                    "Restore the text, or start a new run.");
        }
        return data;
    }

    /** Refuses a file of a run whose content is not what the run's manifest says. */
    static void requireUnchanged(Path file, String before, String now) {
        if (!before.equals(now)) {
            throw UserError.badInput(file + " is not the one its run began with: its content's SHA-256 is " + now
                    + ", the run's manifest says " + before + ".", "Restore the file, or start a new run.");
        }
    }
}
