package org.airelab.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.CharConversionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import org.airelab.base.Hashes;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/**
 * What a folder of token shards holds: its file {@code manifest.json}, written last. The file says its content's own
 * SHA-256, too: an altered one is not read.
 *
 * @param formatVersion   {@link #FORMAT_VERSION}
 * @param key             SHA-256 of all that determines the content: sources, tokenizer, and how they are used
 * @param spec            the data specification of the training documents
 * @param validationSpec  that of the validation documents; null when they were split off
 * @param sourceHash      SHA-256 over the source texts
 * @param tokenizerHash   {@code Tokenizer.hash()} of the folder's {@code tokenizer.json}
 * @param vocabularySize  every token id is below it
 * @param endOfText       the token after each document
 * @param dtype           how a token is stored
 * @param train           counts and shards of the training split
 * @param validation      counts and shards of the validation split
 * @param removedFromTrain training documents left out because they are validation documents too
 * @param entropy         what is known of the entropy of the validation documents; null for natural text
 */
public record DatasetManifest(int formatVersion, String key, String spec,
        String validationSpec, String sourceHash, String tokenizerHash,
        int vocabularySize, int endOfText, TokenType dtype, SplitManifest train, SplitManifest validation,
        long removedFromTrain, Entropy entropy) {
    /** The version of the folder's format, and of how text becomes documents and splits. */
    public static final int FORMAT_VERSION = 2;
    /** The file's name in the folder. */
    public static final String FILE_NAME = "manifest.json";

    private static final String CHECKSUM = "content_sha256";
    private static final ObjectReader READER = Json.MAPPER.readerFor(DatasetManifest.class)
            .with(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .with(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

    /** Refuses what no preparation writes, by {@link IllegalArgumentException}. */
    public DatasetManifest {
        require(key != null && spec != null && sourceHash != null && tokenizerHash != null && dtype != null
                && train != null && validation != null, "a value is missing");
        require(vocabularySize > 0 && dtype == TokenType.of(vocabularySize),
                "a vocabulary of " + vocabularySize + " tokens is not stored as " + dtype);
        require(endOfText >= 0 && endOfText < vocabularySize,
                "the end-of-text token " + endOfText + " is outside the vocabulary of " + vocabularySize);
        require(removedFromTrain >= 0, removedFromTrain + " documents were removed");
        for (SplitManifest split : List.of(train, validation)) {
            for (Shard shard : split.shards) {
                require(shard.bytes == shard.tokens * dtype.bytes(), "the shard " + shard.file + " of " + shard.tokens
                        + " tokens of " + dtype + " has " + shard.bytes + " bytes");
            }
        }
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /**
     * One split.
     *
     * @param tokens    tokens, the end-of-text token of each document included
     * @param documents documents
     * @param bytes     UTF-8 bytes of the documents' text
     * @param shards    the files, in order
     */
    public record SplitManifest(long tokens, long documents, long bytes, List<Shard> shards) {
        public SplitManifest {
            require(shards != null && shards.stream().noneMatch(Objects::isNull), "shards are missing");
            require(tokens >= 0 && documents >= 0 && documents <= tokens && bytes >= 0,
                    tokens + " tokens, " + documents + " documents and " + bytes + " bytes do not go together");
            require(shards.stream().mapToLong(Shard::tokens).sum() == tokens,
                    "the shards hold other than " + tokens + " tokens");
        }

        /** UTF-8 bytes of text a token; tokens count end-of-text, which stands for no text. */
        public double bytesPerToken() {
            return bytes / (double) tokens;
        }
    }

    /**
     * One file of tokens.
     *
     * @param file   its name in the folder
     * @param tokens tokens in it
     * @param bytes  its size
     * @param sha256 of its content
     */
    public record Shard(String file, long tokens, long bytes, String sha256) {
        /** Far above any shard's size, and far below where sums overflow. */
        private static final long MOST_TOKENS = 1L << 40;

        public Shard {
            require(file != null && sha256 != null, "a shard has no name or no hash");
            require(Path.of(file).getNameCount() == 1 && !Path.of(file).isAbsolute(), file + " is no file's name");
            require(tokens > 0 && tokens < MOST_TOKENS, "the shard " + file + " has " + tokens + " tokens");
        }
    }

    /**
     * What is known of synthetic validation documents.
     *
     * @param floor            the mean surprisal of these very documents under the distribution that wrote them, in
     *                         nats a token: the loss of a perfect model
     * @param expectedStory    the entropy of that distribution, in nats a document, from its definition
     * @param expectedPerToken the same for documents of these ones' mean length in tokens
     */
    public record Entropy(double floor, double expectedStory, double expectedPerToken) {
        public Entropy {
            require(floor >= 0 && expectedStory >= 0 && expectedPerToken >= 0, "an entropy is below 0");
        }
    }

    /** Counts and shards of a split. */
    public SplitManifest split(Split split) {
        return split == Split.TRAIN ? train : validation;
    }

    /** The loss of a perfect model on the validation split in nats a token, where it is known. */
    public OptionalDouble entropyFloor() {
        return entropy == null ? OptionalDouble.empty() : OptionalDouble.of(entropy.floor());
    }

    /** The validation split's UTF-8 bytes a token: a loss in nats a token over this and ln 2 is bits per byte. */
    public double bytesPerToken() {
        return validation.bytesPerToken();
    }

    /**
     * Reads a folder's manifest.
     *
     * @throws UserError (bad input) if there is none, none of this version, or one that is not as it was written
     */
    public static DatasetManifest read(Path folder) throws IOException {
        String advice = "Give a folder of prepared data; if this is one, delete it and prepare the data again.";
        Path file = folder.resolve(FILE_NAME);
        if (Files.isRegularFile(folder)) {
            throw UserError.badInput(folder + " is a file, not a folder", advice);
        }
        try {
            JsonNode tree = Json.MAPPER.readTree(Files.readAllBytes(file));
            int version = tree.path("format_version").asInt();
            if (version != FORMAT_VERSION) {
                throw UserError.badInput(file + " has format version " + version + "; this program reads version "
                        + FORMAT_VERSION, advice);
            }
            JsonNode checksum = ((ObjectNode) tree).remove(CHECKSUM);
            DatasetManifest manifest = READER.readValue(tree);
            if (checksum == null || !checksum.asText().equals(checksum(tree))) {
                throw UserError.badInput(file + " is damaged: its content was altered after it was written", advice);
            }
            return manifest;
        } catch (NoSuchFileException e) {
            throw UserError.badInput(folder + " holds no prepared data: there is no " + FILE_NAME + " in it",
                    "Give a folder that 'lab data prepare' made, or for --out one that is empty or not there yet.", e);
        } catch (JsonProcessingException e) {
            throw UserError.badInput(file + " is damaged: " + Json.reason(e), advice, e);
        } catch (CharConversionException e) {
            throw UserError.badInput(file + " is damaged: it is no text", advice, e);
        }
    }

    /** Writes the manifest of a folder whose shards are complete. */
    public void write(Path folder) throws IOException {
        ObjectNode tree = Json.MAPPER.valueToTree(this);
        Json.write(folder.resolve(FILE_NAME), tree.put(CHECKSUM, checksum(tree)));
    }

    /** SHA-256 of keys and values in their order, however they are spaced. */
    private static String checksum(JsonNode content) throws JsonProcessingException {
        return Hashes.sha256(Json.MAPPER.writeValueAsBytes(content));
    }
}
