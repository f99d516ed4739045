package org.airelab.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Writes Hugging Face's {@code tokenizer.json} in one canonical form: the same tokenizer gives the same bytes.
 * Merges are written as strings, which all versions of {@code tokenizers} read.
 */
final class TokenizerJsonWriter {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final Vocabulary vocabulary;
    private final Merges merges;
    private final JsonGenerator json;

    private TokenizerJsonWriter(Vocabulary vocabulary, Merges merges, JsonGenerator json) {
        this.vocabulary = vocabulary;
        this.merges = merges;
        this.json = json;
    }

    /** The file's content, in UTF-8. */
    static byte[] write(Vocabulary vocabulary, Merges merges) {
        var out = new ByteArrayOutputStream();
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            new TokenizerJsonWriter(vocabulary, merges, json).write();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private void write() throws IOException {
        json.writeStartObject();
        json.writeStringField("version", "1.0");
        json.writeNullField("truncation");
        json.writeNullField("padding");
        writeAddedTokens();
        json.writeNullField("normalizer");
        writeByteLevel("pre_tokenizer", false);
        json.writeNullField("post_processor");
        writeByteLevel("decoder", true);
        writeModel();
        json.writeEndObject();
        json.writeRaw('\n');
    }

    private void writeAddedTokens() throws IOException {
        json.writeArrayFieldStart("added_tokens");
        for (AddedToken token : vocabulary.added()) {
            json.writeStartObject();
            json.writeNumberField("id", token.id());
            json.writeStringField("content", token.content());
            for (String flag : new String[] {"single_word", "lstrip", "rstrip", "normalized"}) {
                json.writeBooleanField(flag, false);
            }
            json.writeBooleanField("special", token.special());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private void writeByteLevel(String component, boolean addPrefixSpace) throws IOException {
        json.writeObjectFieldStart(component);
        json.writeStringField("type", "ByteLevel");
        json.writeBooleanField("add_prefix_space", addPrefixSpace);
        json.writeBooleanField("trim_offsets", true);
        json.writeBooleanField("use_regex", true);
        json.writeEndObject();
    }

    private void writeModel() throws IOException {
        json.writeObjectFieldStart("model");
        json.writeStringField("type", "BPE");
        for (String option : new String[] {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
            json.writeNullField(option);
        }
        for (String flag : new String[] {"fuse_unk", "byte_fallback", "ignore_merges"}) {
            json.writeBooleanField(flag, false);
        }
        String[] names = vocabulary.names();
        json.writeObjectFieldStart("vocab");
        for (int id = 0; id < names.length; id++) {
            json.writeNumberField(names[id], id);
        }
        json.writeEndObject();
        json.writeArrayFieldStart("merges");
        for (int rank = 0; rank < merges.size(); rank++) {
            json.writeString(names[merges.left(rank)] + " " + names[merges.right(rank)]);
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
