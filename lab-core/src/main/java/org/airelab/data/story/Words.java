package org.airelab.data.story;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text as words and punctuation, and back. A mark that begins with punctuation stands close to the word before it; an
 * opening quote stands close to the word after it (a closing quote follows punctuation and is one mark with it).
 */
final class Words {
    private static final String OPENING_QUOTE = "\"";
    private static final Pattern WORD = Pattern.compile("'s|[.,!?]+\"?|\"|[^\\s.,!?'\"]+");

    private Words() {
    }

    static List<String> split(String text) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(text);
        while (matcher.find()) {
            words.add(matcher.group());
        }
        return words;
    }

    static String join(List<String> words) {
        StringBuilder text = new StringBuilder();
        boolean close = true;
        for (String word : words) {
            if (!close && ".,!?'".indexOf(word.charAt(0)) < 0) {
                text.append(' ');
            }
            text.append(word);
            close = word.equals(OPENING_QUOTE);
        }
        return text.toString();
    }
}
