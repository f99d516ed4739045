package org.airelab.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;
import org.airelab.data.source.Documents;
import org.airelab.tokenizer.Tokenizer;

/**
 * Makes a folder of token shards of a data specification, once: the folder is named by all that determines its content,
 * appears when it is complete, and is found again by the next call, also from several processes at a time.
 */
public final class DataPreparation {
    /** The system property that names the cache folder. */
    public static final String CACHE_PROPERTY = "lab.cache";

    private final DataSpec train;
    private final Optional<DataSpec> valid;
    private final TokenizerChoice choice;
    private final Documents trainDocuments;
    private final Optional<Documents> validDocuments;
    private final long shardTokens;
    private final String sourceHash;
    private final String key;

    private DataPreparation(DataSpec train, Optional<DataSpec> valid, TokenizerChoice choice, Path cacheFolder,
            long shardTokens) throws IOException {
        this.train = train;
        this.valid = valid;
        this.choice = choice;
        this.shardTokens = shardTokens;
        // First what is quick to refuse: finding documents may download, and hashing them read, gigabytes.
        String tokenizerIdentity = choice.identity();
        trainDocuments = train.documents(cacheFolder);
        validDocuments = valid.isPresent() ? Optional.of(forValidation(valid.get(), cacheFolder))
                : train.validation(cacheFolder);
        String validHash = validDocuments.isPresent() ? validDocuments.get().hash() : "-";
        sourceHash = hash(trainDocuments.hash() + " " + validHash);
        // Without the specifications: the same text is the same data, from whichever folder it is named.
        key = hash(String.join("\n", Integer.toString(DatasetManifest.FORMAT_VERSION), sourceHash, tokenizerIdentity,
                Long.toString(shardTokens)));
    }

    /**
     * The folder for downloads and prepared data: {@code $XDG_CACHE_HOME/aire-lab}, by default {@code
     * ~/.cache/aire-lab}; the system property {@value #CACHE_PROPERTY} names another one.
     */
    public static Path defaultCacheFolder() {
        String property = System.getProperty(CACHE_PROPERTY);
        if (property != null) {
            return Path.of(property);
        }
        String cache = System.getenv("XDG_CACHE_HOME");
        Path parent = cache == null || !Path.of(cache).isAbsolute()
                ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return parent.resolve("aire-lab");
    }

    /**
     * Prepares data in the cache, or finds it there.
     *
     * @param train       the training documents
     * @param valid       the validation documents; when empty, those the data's authors set apart, else one training
     *                    document in {@value SplitPlan#VALIDATION_ONE_IN}, chosen by its content
     * @param tokenizer   how text becomes tokens
     * @param cacheFolder receives downloads and prepared folders
     * @throws UserError if the data cannot be read, or the folder not be written
     */
    public static PreparedData prepare(DataSpec train, Optional<DataSpec> valid, TokenizerChoice tokenizer,
            Path cacheFolder) throws IOException {
        return prepare(train, valid, tokenizer, cacheFolder, Optional.empty());
    }

    /**
     * As {@link #prepare(DataSpec, Optional, TokenizerChoice, Path)}, into a folder of the user's choice.
     *
     * @param out a folder that is not there yet, is empty, or holds this very data
     */
    public static PreparedData prepare(DataSpec train, Optional<DataSpec> valid, TokenizerChoice tokenizer,
            Path cacheFolder, Optional<Path> out) throws IOException {
        return prepare(train, valid, tokenizer, cacheFolder, out, ShardWriter.SHARD_TOKENS);
    }

    static PreparedData prepare(DataSpec train, Optional<DataSpec> valid, TokenizerChoice tokenizer, Path cacheFolder,
            Optional<Path> out, long shardTokens) throws IOException {
        if (out.isPresent()) {
            PreparedFolder.requireUsable(out.get());
        }
        var preparation = new DataPreparation(train, valid, tokenizer, cacheFolder, shardTokens);
        Path folder = out.orElseGet(() ->
                cacheFolder.resolve("data").resolve(train.kind() + "-" + preparation.key.substring(0, 12)));
        return PreparedFolder.at(folder, preparation.key).findOrBuild(preparation::build);
    }

    private static Documents forValidation(DataSpec spec, Path cacheFolder) throws IOException {
        Optional<Documents> apart = spec.validation(cacheFolder);
        return apart.isPresent() ? apart.get() : spec.documents(cacheFolder);
    }

    private static String hash(String text) {
        return Hashes.sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    private void build(Path folder) throws IOException {
        SplitPlan plan = SplitPlan.of(trainDocuments, validDocuments);
        Tokenizer tokenizer;
        try (Stream<String> documents = trainDocuments.stream()) {
            tokenizer = choice.tokenizer(documents.filter(plan::trains).iterator());
        }
        tokenizer.save(folder.resolve(PreparedData.TOKENIZER_FILE));
        try (Tokenization tokenization = new Tokenization(tokenizer, folder, shardTokens)) {
            tokenization.addTraining(trainDocuments, plan);
            if (validDocuments.isPresent()) {
                tokenization.addValidation(validDocuments.get());
            }
            manifest(tokenizer, tokenization).write(folder);
            checkLeakage(folder);
        }
    }

    private DatasetManifest manifest(Tokenizer tokenizer, Tokenization tokenization) {
        DatasetManifest.SplitManifest training = tokenization.finish(Split.TRAIN);
        DatasetManifest.SplitManifest validation = tokenization.finish(Split.VALIDATION);
        if (training.tokens() == 0) {
            throw UserError.badInput("every training document is a validation document too",
                    "Give validation data that is not the training data.");
        }
        DatasetManifest.Entropy entropy = validDocuments.orElse(trainDocuments).grammar().map(grammar ->
                new DatasetManifest.Entropy(tokenization.surprisal() / validation.tokens(), grammar.entropy(),
                        grammar.entropy() * validation.documents() / validation.tokens())).orElse(null);
        return new DatasetManifest(DatasetManifest.FORMAT_VERSION, key, train.toString(),
                valid.map(DataSpec::toString).orElse(null), sourceHash, tokenizer.hash(), tokenizer.vocabularySize(),
                tokenizer.specialId(Tokenizer.END_OF_TEXT).orElseThrow(), TokenType.of(tokenizer.vocabularySize()),
                training, validation, tokenization.removed(), entropy);
    }

    private static void checkLeakage(Path folder) throws IOException {
        try (TokenDataset train = TokenDataset.open(folder, Split.TRAIN);
                TokenDataset validation = TokenDataset.open(folder, Split.VALIDATION)) {
            long leaked = LeakageCheck.leaked(train, validation);
            if (leaked > 0) {
                throw new IllegalStateException(leaked + " validation documents are in the training shards");
            }
        }
    }
}
