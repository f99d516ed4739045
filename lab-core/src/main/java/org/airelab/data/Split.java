package org.airelab.data;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** What documents are for. */
public enum Split {
    /** Learned from. */
    TRAIN,
    /** Held out: no document of it is learned from. */
    VALIDATION;

    /** The name in files: {@code train}, {@code validation}. */
    @JsonValue
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
