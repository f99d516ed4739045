package org.airelab.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.airelab.base.UserError;

/** The tokens: ids 0 to n - 1 without a gap, among them all 256 bytes. */
final class Vocabulary {
    private final byte[][] tokens;
    private final List<AddedToken> added;
    private final int[] byteIds = new int[256];

    private Vocabulary(byte[][] tokens, List<AddedToken> added) {
        this.tokens = tokens;
        this.added = added;
    }

    /**
     * Makes a vocabulary of names and ids, as the files have them.
     *
     * @param ids    ids by name; a name is an added token's content, or bytes in the {@link ByteAlphabet}
     * @param added  added tokens, whether {@code ids} has them or not
     * @param source what the names were read from, for error messages
     */
    static Vocabulary of(Map<String, Integer> ids, List<AddedToken> added, String source) {
        var all = new HashMap<>(ids);
        for (AddedToken token : added) {
            Integer known = all.put(token.content(), token.id());
            if (known != null && known != token.id()) {
                throw bad(source + " gives '" + token.content() + "' the ids " + known + " and " + token.id());
            }
        }
        var contents = added.stream().map(AddedToken::content).collect(Collectors.toSet());
        byte[][] tokens = new byte[all.size()][];
        all.forEach((name, id) -> {
            if (id < 0 || id >= tokens.length) {
                throw bad(source + " has the id " + id + " for '" + name + "', but its " + tokens.length
                        + " tokens must have the ids 0 to " + (tokens.length - 1));
            }
            if (tokens[id] != null) {
                throw bad(source + " has two tokens of the id " + id + ", one of them '" + name + "'");
            }
            tokens[id] = contents.contains(name) ? name.getBytes(StandardCharsets.UTF_8) : ordinary(name, source);
        });
        List<AddedToken> byId = added.stream().sorted(Comparator.comparingInt(AddedToken::id)).toList();
        var vocabulary = new Vocabulary(tokens, byId);
        vocabulary.findBytes(all, contents::contains, source);
        return vocabulary;
    }

    private static byte[] ordinary(String name, String source) {
        return ByteAlphabet.parse(name).filter(bytes -> bytes.length > 0).orElseThrow(() -> bad(source
                + " has the token '" + name + "', which is not written in GPT-2's byte alphabet"));
    }

    private void findBytes(Map<String, Integer> ids, Predicate<String> isAdded, String source) {
        for (int b = 0; b < 256; b++) {
            String name = ByteAlphabet.print(new byte[] {(byte) b});
            Integer id = ids.get(name);
            if (id == null || isAdded.test(name)) {
                throw bad(source + " has no token for the byte " + b + " ('" + name
                        + "'), and byte-level BPE needs all 256");
            }
            byteIds[b] = id;
        }
    }

    int size() {
        return tokens.length;
    }

    /** The bytes of a token; not a copy. */
    byte[] bytes(int id) {
        if (id < 0 || id >= tokens.length) {
            throw UserError.badInput("the token id " + id + " is not in the vocabulary, whose ids are 0 to "
                    + (tokens.length - 1), "Decode with the tokenizer that made the ids.");
        }
        return tokens[id];
    }

    /** The id of each byte, by the byte as an unsigned number. */
    int[] byteIds() {
        return byteIds.clone();
    }

    /** The added tokens by id. */
    List<AddedToken> added() {
        return added;
    }

    /** The names of all tokens by id, as files have them. */
    String[] names() {
        String[] names = new String[tokens.length];
        Arrays.setAll(names, id -> ByteAlphabet.print(tokens[id]));
        added.forEach(token -> names[token.id()] = token.content());
        return names;
    }

    /** The bytes of ids one after another. */
    byte[] concatenate(int[] ids) {
        long length = Arrays.stream(ids).mapToLong(id -> bytes(id).length).sum();
        byte[] result = new byte[Math.toIntExact(length)];
        int at = 0;
        for (int id : ids) {
            System.arraycopy(tokens[id], 0, result, at, tokens[id].length);
            at += tokens[id].length;
        }
        return result;
    }

    private static UserError bad(String message) {
        return UserError.badInput(message, "Give a byte-level BPE tokenizer such as GPT-2's, "
                + "or train one with lab tokenizer train.");
    }
}
