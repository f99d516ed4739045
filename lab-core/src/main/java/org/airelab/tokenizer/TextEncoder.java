package org.airelab.tokenizer;

/** Encodes UTF-8 text: special tokens, then pieces between them, then merges. One thread at a time. */
final class TextEncoder {
    private final SpecialTokens specials;
    private final PieceCache cache;
    private final PieceEncoder pieces;

    TextEncoder(SpecialTokens specials, PieceCache cache, PieceEncoder pieces) {
        this.specials = specials;
        this.cache = cache;
        this.pieces = pieces;
    }

    /** Appends the ids of {@code text[0 .. limit)}, a whole text or a chunk of {@link TextChunks}. */
    void encode(byte[] text, int limit, IntList ids) {
        int from = 0;
        for (long match = specials.find(text, 0, limit); match != SpecialTokens.NONE;
                match = specials.find(text, from, limit)) {
            encodeOrdinary(text, from, SpecialTokens.start(match), ids);
            ids.add(specials.id(match));
            from = specials.end(match);
        }
        encodeOrdinary(text, from, limit, ids);
    }

    private void encodeOrdinary(byte[] text, int from, int limit, IntList ids) {
        int start = from;
        while (start < limit) {
            int end = PieceScanner.end(text, start, limit);
            int[] known = cache.get(text, start, end);
            if (known == null) {
                known = pieces.encode(text, start, end);
                cache.put(text, start, end, known);
            }
            ids.addAll(known, known.length);
            start = end;
        }
    }
}
