package org.airelab.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntConsumer;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Hashes;

/**
 * Byte-level BPE with GPT-2's pre-tokenisation: text to token ids and back. Immutable, and safe to use from any
 * number of threads.
 *
 * <p>Ids are those of Hugging Face's {@code tokenizers} with the same {@code tokenizer.json} (without a
 * post-processor). Added tokens are recognised wherever they stand in a text. Bytes that are not well-formed
 * UTF-8 are encoded as they are, each by itself a character of punctuation: {@link #decodeBytes} gives back every
 * input exactly, and {@link #decode} shows U+FFFD in their place.
 */
public final class Tokenizer {
    /** GPT-2's mark between documents. */
    public static final String END_OF_TEXT = "<|endoftext|>";

    /** Small enough for the processor's cache, large enough that its cutting costs nothing. */
    private static final int CHUNK_BYTES = 1 << 17;
    /** English text has more bytes a token; the list grows where there are fewer. */
    private static final int BYTES_PER_TOKEN = 3;

    private final Vocabulary vocabulary;
    private final Merges merges;
    private final SpecialTokens specials;
    private final int[] byteIds;
    private final PieceCache cache = new PieceCache();
    private volatile String hash;

    Tokenizer(Vocabulary vocabulary, Merges merges) {
        this.vocabulary = vocabulary;
        this.merges = merges;
        this.specials = new SpecialTokens(vocabulary.added());
        this.byteIds = vocabulary.byteIds();
    }

    /**
     * Reads a Hugging Face {@code tokenizer.json}.
     *
     * @throws org.airelab.base.UserError when it is no byte-level BPE as described above; the message names what
     *         is not supported
     */
    public static Tokenizer load(Path tokenizerJson) throws IOException {
        return TokenizerJsonReader.read(Files.readAllBytes(tokenizerJson), tokenizerJson.toString());
    }

    /**
     * Reads GPT-2's {@code vocab.json} and {@code merges.txt}.
     *
     * @param specialTokens tokens to recognise in texts; those the vocabulary lacks get the ids after its last
     */
    public static Tokenizer load(Path vocabJson, Path mergesTxt, List<String> specialTokens) throws IOException {
        return Gpt2Files.read(vocabJson, mergesTxt, specialTokens);
    }

    /** Writes a {@code tokenizer.json} that Hugging Face's libraries load; the file is there whole or not at all. */
    public void save(Path tokenizerJson) throws IOException {
        byte[] json = json();
        AtomicFiles.write(tokenizerJson, temporary -> Files.write(temporary, json));
    }

    /** SHA-256 of what {@link #save} writes, which is canonical: it is the same whatever file a tokenizer came from. */
    public String hash() {
        if (hash == null) {
            hash = Hashes.sha256(json());
        }
        return hash;
    }

    /** Number of tokens, added ones too; ids are 0 to one less. */
    public int vocabularySize() {
        return vocabulary.size();
    }

    /** The id of an added token such as {@link #END_OF_TEXT}. */
    public OptionalInt specialId(String token) {
        return vocabulary.added().stream().filter(added -> added.content().equals(token))
                .mapToInt(AddedToken::id).findFirst();
    }

    /** The contents of the added tokens, by id. */
    public List<String> specialTokens() {
        return vocabulary.added().stream().map(AddedToken::content).toList();
    }

    /** The ids of a text. An unpaired surrogate counts as '?', as in {@link String#getBytes}. */
    public int[] encode(CharSequence text) {
        return encode(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** The ids of a text in UTF-8. */
    public int[] encode(byte[] utf8) {
        var ids = new IntList(utf8.length / BYTES_PER_TOKEN + 8);
        encoder().encode(utf8, utf8.length, ids);
        return ids.toArray();
    }

    /**
     * Hands the ids of a text in UTF-8 to {@code sink} one by one, reading ahead no more than about 128 kB: the
     * text may be larger than memory. The ids are those of the whole text, wherever it happens to be cut on the
     * way. Does not close {@code utf8}.
     */
    public void encode(InputStream utf8, IntConsumer sink) throws IOException {
        encode(utf8, CHUNK_BYTES, sink);
    }

    /** As {@link #encode(InputStream, IntConsumer)}, in chunks of about the size given. */
    void encode(InputStream utf8, int chunkBytes, IntConsumer sink) throws IOException {
        var chunks = new TextChunks(utf8, specials, chunkBytes);
        var ids = new IntList(chunkBytes / BYTES_PER_TOKEN + 8);
        TextEncoder encoder = encoder();
        while (chunks.next()) {
            ids.clear();
            encoder.encode(chunks.bytes(), chunks.length(), ids);
            for (int i = 0; i < ids.size(); i++) {
                sink.accept(ids.get(i));
            }
        }
    }

    /**
     * The text of ids, added tokens as their content. Where the bytes are not UTF-8, as when ids start in the
     * middle of a character, each maximal ill-formed part becomes U+FFFD (The Unicode Standard, section 3.9).
     *
     * @throws org.airelab.base.UserError for an id that is not in the vocabulary
     */
    public String decode(int... ids) {
        return new String(decodeBytes(ids), StandardCharsets.UTF_8);
    }

    /** The bytes of ids, one token after another. Errors as for {@link #decode}. */
    public byte[] decodeBytes(int... ids) {
        return vocabulary.concatenate(ids);
    }

    /** The bytes of one token, of an added one its content in UTF-8. Errors as for {@link #decode}. */
    public byte[] bytes(int id) {
        return vocabulary.bytes(id).clone();
    }

    /** What {@link #save} writes. */
    byte[] json() {
        return TokenizerJsonWriter.write(vocabulary, merges);
    }

    private TextEncoder encoder() {
        return new TextEncoder(specials, cache, new PieceEncoder(byteIds, merges));
    }
}
