package org.airelab.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.airelab.base.UserError;

/**
 * Reads Hugging Face's {@code tokenizer.json}: the components GPT-2's tokenizer is made of, with merges as strings
 * or as pairs. Any other component, or an option that would change ids, is refused by name.
 *
 * <p>The format: <a href="https://huggingface.co/docs/tokenizers/components">components</a>, and the
 * {@code Serialize} implementations in huggingface/tokenizers.
 */
final class TokenizerJsonReader {
    private final String source;

    private TokenizerJsonReader(String source) {
        this.source = source;
    }

    /** @param source the file's name, for error messages */
    static Tokenizer read(byte[] json, String source) {
        return new TokenizerJsonReader(source).read(JsonFiles.parseObject(json, source));
    }

    private Tokenizer read(JsonNode root) {
        JsonNode model = root.path("model");
        if (!model.isObject()) {
            throw JsonFiles.malformed(source, "it has no model");
        }
        checkModel(model);
        requireOnly(root, "truncation", null);
        requireOnly(root, "padding", null);
        requireOnly(root, "normalizer", null);
        requireOnly(root, "post_processor", "ByteLevel");
        checkPreTokenizer(root.path("pre_tokenizer"));
        if (!"ByteLevel".equals(root.path("decoder").path("type").asText())) {
            throw unsupported("decoder", describe(root.path("decoder")), "ByteLevel");
        }
        var ids = JsonFiles.ids(model.path("vocab"), source + ": model.vocab");
        List<AddedToken> added = addedTokens(root.path("added_tokens"));
        var vocabulary = Vocabulary.of(ids, added, source);
        return new Tokenizer(vocabulary, new MergesReader(ids, source).read(merges(model.path("merges"))));
    }

    private void checkPreTokenizer(JsonNode node) {
        if (!"ByteLevel".equals(node.path("type").asText())) {
            throw unsupported("pre_tokenizer", describe(node), "ByteLevel");
        }
        requireFlag(node, "pre_tokenizer.", "add_prefix_space", true, false);
        requireFlag(node, "pre_tokenizer.", "use_regex", true, true);
    }

    private void checkModel(JsonNode model) {
        // Files written before types were tell the model by its fields.
        String type = model.path("type").asText(model.has("merges") ? "BPE" : "none");
        if (!"BPE".equals(type)) {
            throw unsupported("model", type, "BPE");
        }
        if (model.path("dropout").asDouble(0) != 0) {
            throw unsupported("model.dropout", model.path("dropout").toString(), "null");
        }
        for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            if (!model.path(affix).asText("").isEmpty() && !model.path(affix).isNull()) {
                throw unsupported("model." + affix, model.path(affix).toString(), "null");
            }
        }
        // unk_token, fuse_unk and byte_fallback speak of symbols without a token: with all 256 bytes there are none.
        requireFlag(model, "model.", "ignore_merges", false, false);
    }

    private List<AddedToken> addedTokens(JsonNode list) {
        var tokens = new ArrayList<AddedToken>();
        var normalized = new ArrayList<String>();
        var raw = new ArrayList<String>();
        for (JsonNode node : list) {
            String content = node.path("content").asText();
            if (content.isEmpty() || !node.path("id").isInt()) {
                throw JsonFiles.malformed(source, "an added token has no content or no id: " + node);
            }
            for (String flag : List.of("single_word", "lstrip", "rstrip")) {
                requireFlag(node, "added token '" + content + "'.", flag, false, false);
            }
            boolean special = node.path("special").asBoolean();
            tokens.add(new AddedToken(node.path("id").asInt(), content, special));
            (node.path("normalized").asBoolean(!special) ? normalized : raw).add(content);
        }
        requireApart(raw, normalized);
        return tokens;
    }

    /** Hugging Face looks for tokens of the two kinds one kind after the other: the order must not matter here. */
    private void requireApart(List<String> raw, List<String> normalized) {
        for (String a : raw) {
            for (String b : normalized) {
                if (overlap(a, b) || overlap(b, a)) {
                    throw unsupported("added tokens that overlap and differ in 'normalized'",
                            "'" + a + "' and '" + b + "'", "the same for both");
                }
            }
        }
    }

    private static boolean overlap(String a, String b) {
        for (int from = 0; from < a.length(); from++) {
            int length = Math.min(a.length() - from, b.length());
            if (a.regionMatches(from, b, 0, length)) {
                return true;
            }
        }
        return false;
    }

    private List<String[]> merges(JsonNode list) {
        if (!list.isArray()) {
            throw JsonFiles.malformed(source, "model.merges is not a list");
        }
        var merges = new ArrayList<String[]>(list.size());
        for (JsonNode node : list) {
            String[] pair = node.isArray()
                    ? JsonFiles.strings(node) : node.asText().split(" ", -1);
            merges.add(pair);
        }
        return merges;
    }

    /** A component that must be absent or null, or of the one type that changes no ids. */
    private void requireOnly(JsonNode root, String component, String allowedType) {
        JsonNode node = root.path(component);
        if (!node.isMissingNode() && !node.isNull() && !node.path("type").asText("none").equals(allowedType)) {
            throw unsupported(component, describe(node), allowedType == null ? "null" : "null, " + allowedType);
        }
    }

    private void requireFlag(JsonNode node, String prefix, String name, boolean byDefault, boolean allowed) {
        boolean value = node.path(name).asBoolean(byDefault);
        if (value != allowed) {
            throw unsupported(prefix + name, Boolean.toString(value), Boolean.toString(allowed));
        }
    }

    private static String describe(JsonNode node) {
        return node.isMissingNode() ? "null" : node.path("type").asText(node.toString());
    }

    private UserError unsupported(String component, String found, String supported) {
        return UserError.badInput(source + ": " + component + " = " + found + " is not supported, only " + supported,
                "Use a byte-level BPE tokenizer like GPT-2's, or train one with lab tokenizer train.");
    }
}
