package org.airelab.kernels.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.airelab.kernels.DType;

/**
 * A CUDA C++ source that comes with the lab, and the macros it is compiled with.
 *
 * @param name    path of the resource below {@code org/airelab/kernels/}, such as {@code matmul/naive.cu}
 * @param defines macros by name, in the order they are defined: a rung's tile sizes, its element type
 */
public record KernelSource(String name, Map<String, String> defines) {
    private static final String ROOT = "/org/airelab/kernels/";
    private static final Pattern INCLUDE = Pattern.compile("#include \"([^\"]+)\"");

    public KernelSource {
        defines = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(defines));
    }

    /** A source without macros. */
    public static KernelSource of(String name) {
        return new KernelSource(name, Map.of());
    }

    /** A source for elements of one type: the macro {@code ELEMENT} names it as {@code lab.cuh} does. */
    public static KernelSource of(String name, DType dtype) {
        return of(name).with("ELEMENT", switch (dtype) {
            case FP32 -> "float";
            case FP16 -> "f16";
            case BF16 -> "bf16";
        });
    }

    /** The same source with one macro more. */
    public KernelSource with(String macro, Object value) {
        Map<String, String> more = new LinkedHashMap<>(defines);
        more.put(macro, value.toString());
        return new KernelSource(name, more);
    }

    /** The macros as a compiler's options: {@code -DNAME=VALUE}. */
    public List<String> options() {
        return defines.entrySet().stream().map(e -> "-D" + e.getKey() + "=" + e.getValue()).toList();
    }

    /**
     * The whole text: each {@code #include "file"} that lies beside the source or in {@code cuda/} is there once in its
     * place, and {@code #line} tells the compiler what is from which file, for its messages.
     */
    public String text() {
        return expand(name, new LinkedHashSet<>());
    }

    private static String expand(String name, Set<String> included) {
        StringBuilder text = new StringBuilder(marker(1, name));
        int number = 0;
        for (String line : read(name).lines().toList()) {
            number++;
            Matcher include = INCLUDE.matcher(line);
            String file = include.matches() ? locate(name, include.group(1)) : null;
            if (file != null) {
                text.append(included.add(file) ? expand(file, included) : "").append(marker(number + 1, name));
            } else {
                // Compilers complain about a `once` in what they take for the main file.
                text.append(line.equals("#pragma once") ? "" : line).append('\n');
            }
        }
        return text.toString();
    }

    private static String marker(int line, String file) {
        return "#line " + line + " \"" + file + "\"\n";
    }

    /** The resource a file includes; null when it is none, as the compiler will say if it comes to that line. */
    private static String locate(String from, String file) {
        return Stream.of(from.substring(0, from.lastIndexOf('/') + 1) + file, "cuda/" + file)
                .filter(candidate -> KernelSource.class.getResource(ROOT + candidate) != null).findFirst().orElse(null);
    }

    private static String read(String name) {
        try (InputStream in = KernelSource.class.getResourceAsStream(ROOT + name)) {
            if (in == null) {
                throw new IllegalArgumentException("there is no kernel source " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return defines.isEmpty() ? name : name + " " + String.join(" ", options());
    }
}
