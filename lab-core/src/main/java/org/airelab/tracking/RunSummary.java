package org.airelab.tracking;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.airelab.base.IoReasons;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/**
 * summary.json: a run's result. What is not known is left out of the file.
 *
 * @param valLoss         mean loss on the validation split, in nats per token
 * @param valBitsPerByte  the same in bits per byte of text, which compares across tokenizers
 * @param entropyFloor    the least loss any model can reach on the data, in nats per token, where it is known
 * @param tokensPerSecond training speed over the run, validation and checkpoints left out
 * @param steps           optimizer steps
 * @param parameters      trained numbers in the model, a tied embedding counted once
 * @param extras          further results by name: numbers, texts, lists, maps
 */
public record RunSummary(OptionalDouble valLoss, OptionalDouble valBitsPerByte, OptionalDouble entropyFloor,
        double tokensPerSecond, long steps, long parameters, Map<String, ?> extras) {
    /** Writes the file, whole or not at all. */
    public void write(Path file) {
        Map<String, Object> values = new LinkedHashMap<>();
        valLoss.ifPresent(value -> values.put("val_loss", value));
        valBitsPerByte.ifPresent(value -> values.put("val_bits_per_byte", value));
        entropyFloor.ifPresent(value -> values.put("entropy_floor", value));
        values.put("tokens_per_second", tokensPerSecond);
        values.put("steps", steps);
        values.put("parameters", parameters);
        extras.forEach((name, value) -> {
            if (values.putIfAbsent(name, value) != null) {
                throw new IllegalArgumentException("expected an extra of a new name, found " + name);
            }
        });
        try {
            Json.write(file, values);
        } catch (IOException e) {
            throw UserError.machine(file + " could not be written: " + IoReasons.of(e) + ".",
                    "Free space on its disk, then continue the run with --resume.", e);
        }
    }
}
