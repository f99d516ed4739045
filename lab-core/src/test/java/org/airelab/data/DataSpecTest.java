package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataSpecTest {
    @ParameterizedTest
    @CsvSource(delimiter = ' ', value = {
        "tinystories tinystories",
        "text:a/b.txt text:a/b.txt",
        "text:a:b text:a:b",
        "synthetic synthetic:stories=20000,seed=0",
        "synthetic:seed=7 synthetic:stories=20000,seed=7",
        "synthetic:stories=2 synthetic:stories=2,seed=0",
        "synthetic:seed=-1,stories=30 synthetic:stories=30,seed=-1"})
    void specificationsReadAndWrite(String text, String canonical) {
        assertEquals(canonical, DataSpec.parse(text).toString());
        assertEquals(DataSpec.parse(text), DataSpec.parse(canonical));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "tinystory", "tinystories:", "text", "text:", "TEXT:a", "synthetic:",
        "synthetic:stories", "synthetic:stories=", "synthetic:stories=x", "synthetic:stories=1",
        "synthetic:stories=-5", "synthetic:size=3", "synthetic:stories=5,", "synthetic:stories=99999999999999999999"})
    void anythingElseIsRefused(String text) {
        var error = assertThrows(UserError.class, () -> DataSpec.parse(text));
        assertTrue(error.getMessage().startsWith("'" + text + "' names no data: "), error.getMessage());
        assertTrue(error.advice().contains("tinystories, text:PATH"));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    @Test
    void theReasonIsTold() {
        assertTrue(assertThrows(UserError.class, () -> DataSpec.parse("synthetic:size=3")).getMessage()
                .contains("no option 'size', only stories and seed"));
        assertTrue(assertThrows(UserError.class, () -> DataSpec.parse("synthetic:stories=1")).getMessage()
                .contains("stories=1 is below 2"));
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 256, 1L << 31, 5_000_000_000L})
    void vocabulariesOutOfRangeAreRefused(long size) {
        var error = assertThrows(UserError.class, () -> new TokenizerChoice.Train(size));
        assertTrue(error.getMessage().contains("is not within 257"), error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }
}
