package org.airelab.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/** What the JSON files of tokenizers have in common. */
final class JsonFiles {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private JsonFiles() {
    }

    /** The object a file holds. */
    static JsonNode parseObject(byte[] json, String source) {
        JsonNode root;
        try {
            root = MAPPER.readTree(json);
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ", column "
                    + e.getLocation().getColumnNr() + ")";
            throw malformed(source, Json.reason(e) + where);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (root == null || !root.isObject()) {
            throw malformed(source, "it holds no object");
        }
        return root;
    }

    /** A vocabulary: an object of ids by token. */
    static Map<String, Integer> ids(JsonNode node, String source) {
        if (!node.isObject()) {
            throw malformed(source, "it is not an object of ids by token");
        }
        var ids = LinkedHashMap.<String, Integer>newLinkedHashMap(node.size());
        node.properties().forEach(entry -> {
            if (!entry.getValue().isInt()) {
                throw malformed(source, "the id of '" + entry.getKey() + "' is " + entry.getValue()
                        + ", not a number below 2^31");
            }
            ids.put(entry.getKey(), entry.getValue().intValue());
        });
        return ids;
    }

    /** The elements of a list as texts. */
    static String[] strings(JsonNode list) {
        String[] texts = new String[list.size()];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = list.get(i).asText();
        }
        return texts;
    }

    static UserError malformed(String source, String what) {
        return UserError.badInput(source + " is not a valid tokenizer file: " + what,
                "Give a tokenizer.json, or GPT-2's vocab.json and merges.txt, as they were published.");
    }
}
