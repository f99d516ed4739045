package org.airelab.tokenizer;

/**
 * A token recognised in the text as it stands, before anything else; no merge makes or crosses it.
 *
 * @param content what stands in the text, not empty
 * @param special whether it is a mark of structure, like {@link Tokenizer#END_OF_TEXT}, and not a part of the
 *                text; other tools leave such tokens out when they decode. Kept for them, nothing here depends on it
 */
record AddedToken(int id, String content, boolean special) {
}
