package org.airelab.distributed.launch;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.airelab.base.UserError;

/** Variables of an environment; an empty one counts as not set. */
record Variables(Map<String, String> environment) {
    Optional<String> text(String name) {
        return Optional.ofNullable(environment.get(name)).map(String::strip).filter(text -> !text.isEmpty());
    }

    boolean has(String... names) {
        return Stream.of(names).allMatch(name -> text(name).isPresent());
    }

    long longNumber(String name) {
        String text = text(name).orElseThrow();
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw notNumber(name, text);
        }
    }

    int number(String name) {
        long number = longNumber(name);
        if (number < 0 || number > Integer.MAX_VALUE) {
            throw notNumber(name, text(name).orElseThrow());
        }
        return (int) number;
    }

    int number(String name, int otherwise) {
        return text(name).isPresent() ? number(name) : otherwise;
    }

    private static UserError notNumber(String name, String found) {
        return UserError.badInput("the environment variable " + name + " must be a whole number from 0, found '" + found
                + "'.", "Correct it, or unset it and let the lab start the ranks: --nproc N.");
    }

    /** A name for a run of this user from those of some variables that are set: letters, digits and hyphens. */
    String name(String prefix, String... names) {
        List<String> parts = new ArrayList<>(List.of(prefix, System.getProperty("user.name")));
        for (String name : names) {
            text(name).ifPresent(parts::add);
        }
        return String.join("-", parts).replaceAll("[^A-Za-z0-9]+", "-");
    }
}
