package org.airelab.generate;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.airelab.tokenizer.Tokenizer;

/**
 * Tokens to text as they come. A character whose bytes are spread over several tokens appears when its last one is
 * there; bytes that are no UTF-8 appear as U+FFFD.
 */
public final class TextStream implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final Consumer<String> sink;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private byte[] pending = {};

    /** A stream whose pieces of text, none empty, go to {@code sink}. */
    public TextStream(Tokenizer tokenizer, Consumer<String> sink) {
        this.tokenizer = tokenizer;
        this.sink = sink;
    }

    /** The next token. */
    public void accept(int token) {
        decode(tokenizer.bytes(token), false);
    }

    /** Ends the text: a character that was begun becomes U+FFFD. */
    @Override
    public void close() {
        decode(new byte[0], true);
        decoder.reset();
        pending = new byte[0];
    }

    private void decode(byte[] bytes, boolean last) {
        ByteBuffer in = ByteBuffer.allocate(pending.length + bytes.length).put(pending).put(bytes).flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
        decoder.decode(in, out, last);
        pending = new byte[in.remaining()];
        in.get(pending);
        if (out.flip().hasRemaining()) {
            sink.accept(out.toString());
        }
    }
}
