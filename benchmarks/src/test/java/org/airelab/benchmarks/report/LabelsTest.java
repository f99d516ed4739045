package org.airelab.benchmarks.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LabelsTest {
    @Test
    void aloneAWordStandsToTheRightOfItsDot() {
        Labels labels = new Labels();
        labels.keepClear(100, 50, 3);
        assertEquals(new Labels.Place(105, 54.5, 2 * Svg.CHARACTER, false), labels.beside(100, 50, 2).orElseThrow());
    }

    @Test
    void wordsOfDotsCloseTogetherCoverNeitherDotsNorEachOther() {
        Labels labels = new Labels();
        List<double[]> boxes = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            labels.keepClear(100 + 2 * i, 50 + i, 3);
            boxes.add(new double[] {97 + 2 * i, 47 + i, 103 + 2 * i, 53 + i});
        }
        int dots = boxes.size();
        for (int i = 0; i < dots; i++) {
            Labels.Place place = labels.beside(100 + 2 * i, 50 + i, 2).orElseThrow();
            double[] word = {place.x(), place.y() - 9, place.x() + 2 * Svg.CHARACTER, place.y()};
            for (double[] box : boxes.subList(0, dots + i)) {
                assertTrue(word[2] <= box[0] || word[0] >= box[2] || word[3] <= box[1] || word[1] >= box[3],
                        "word " + i);
            }
            boxes.add(word);
        }
    }

    @Test
    void aLineLeadsToAWordThatStandsApartAndWhereNoPlaceIsFreeThereIsNone() {
        Labels labels = new Labels();
        labels.keepClear(100, 50, 3);
        labels.keepClear(80, 30, 125, 70);
        Labels.Place place = labels.beside(100, 50, 1).orElseThrow();
        assertTrue(place.apart());
        assertTrue(place.x() >= 125 || place.x() + place.width() <= 80 || place.y() <= 30 || place.y() - 9 >= 70);
        labels.keepClear(0, -50, 200, 150);
        assertTrue(labels.beside(100, 50, 1).isEmpty());
    }
}
