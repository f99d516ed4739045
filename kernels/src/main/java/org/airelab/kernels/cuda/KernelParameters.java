package org.airelab.kernels.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes of a kernel's parameters as its source declares them, for drivers that cannot say (before CUDA 12.4). */
final class KernelParameters {
    private static final Pattern COMMENT = Pattern.compile("//[^\n]*|/\\*.*?\\*/", Pattern.DOTALL);
    private static final Pattern EIGHT = Pattern.compile("\\b(long|double|size_t|u?int64_t)\\b");
    private static final Pattern FOUR = Pattern.compile("\\b(int|unsigned|float|u?int32_t)\\b");
    private static final Pattern SMALLER = Pattern.compile("\\b(short|char|bool)\\b");
    private static final Pattern MACRO = Pattern.compile("\\s*[A-Z][A-Z0-9_]*\\s*");

    private KernelParameters() {
    }

    /**
     * Reads a declaration.
     *
     * @return bytes of each parameter, 0 for types that have other names than C++'s; empty when {@code text} does not
     *         declare {@code entry}, or by a macro that stands for any number of parameters
     */
    static Optional<List<Integer>> parse(String text, String entry) {
        String source = COMMENT.matcher(text).replaceAll(" ");
        Matcher declaration = Pattern.compile("__global__[^;{}]*?\\b" + Pattern.quote(entry) + "\\s*\\(([^()]*)\\)")
                .matcher(source);
        if (!declaration.find()) {
            return Optional.empty();
        }
        List<Integer> bytes = new ArrayList<>();
        if (!declaration.group(1).isBlank()) {
            for (String parameter : declaration.group(1).split(",")) {
                if (MACRO.matcher(parameter).matches()) {
                    return Optional.empty();
                }
                bytes.add(bytes(parameter));
            }
        }
        return Optional.of(bytes);
    }

    private static int bytes(String parameter) {
        if (parameter.contains("*") || EIGHT.matcher(parameter).find()) {
            return Long.BYTES;
        }
        if (parameter.contains("ensorMap ")) {
            return TensorMap.BYTES;
        }
        return FOUR.matcher(parameter).find() && !SMALLER.matcher(parameter).find() ? Integer.BYTES : 0;
    }
}
