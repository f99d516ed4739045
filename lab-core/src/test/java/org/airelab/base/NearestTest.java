package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestTest {
    private static final List<String> COMMANDS = List.of("pretrain", "tokenizer", "data", "generate", "eval", "doctor");

    @ParameterizedTest
    @CsvSource({"pretain,pretrain", "prtetrain,pretrain", "PRETRAIN,pretrain", "tokeniser,tokenizer", "date,data",
        "gen,generate", "evaluate,eval", "docter,doctor"})
    void findsTheWordThatWasMeant(String typed, String meant) {
        assertEquals(Optional.of(meant), Nearest.to(typed, COMMANDS));
    }

    @ParameterizedTest
    @CsvSource({"xyz", "''", "e", "quantize", "tok3n1z3rs-of-the-world"})
    void suggestsNothingFarFetched(String typed) {
        assertEquals(Optional.empty(), Nearest.to(typed, COMMANDS));
    }

    @Test
    void nothingIsNearWhenThereIsNothing() {
        assertEquals(Optional.empty(), Nearest.to("data", List.of()));
    }

    @Test
    void firstOfEquallyNearWins() {
        assertEquals(Optional.of("--lr-min"), Nearest.to("--lr-mxn", List.of("--lr-min", "--lr-man")));
    }

    @ParameterizedTest
    @CsvSource({"'','',0", "abc,abc,0", "'',abc,3", "kitten,sitting,3", "ab,ba,1", "ca,abc,3", "abcdef,abdcef,1"})
    void distanceIsOptimalStringAlignment(String a, String b, int distance) {
        assertEquals(distance, Nearest.distance(a, b));
        assertEquals(distance, Nearest.distance(b, a));
    }
}
