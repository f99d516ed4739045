package org.airelab.distributed.mesh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.OptionalInt;
import org.airelab.base.UserError;
import org.airelab.distributed.mesh.MeshShape.Place;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MeshShapeTest {
    private static MeshShape parse(String text, int ranks) {
        return MeshShape.parse(text, OptionalInt.of(ranks));
    }

    @Test
    void whatIsNotNamedIsOneAndDpTheRest() {
        assertEquals(new MeshShape(2, 1, 2, 3), MeshShape.parse("dp=2,tp=2,pp=3", OptionalInt.empty()));
        assertEquals(new MeshShape(1, 1, 2, 1), MeshShape.parse(" tp=2 ", OptionalInt.empty()));
        assertEquals(new MeshShape(4, 1, 2, 1), parse("tp=2", 8));
        assertEquals(new MeshShape(1, 2, 2, 2), parse("tp=2, pp=2, cp=2", 8));
    }

    @Test
    void otherNumbersOfRanksAreRefused() {
        UserError error = assertThrows(UserError.class, () -> parse("dp=2,tp=2", 8));
        assertEquals("the mesh dp=2,tp=2 has 4 ranks and the run has 8.", error.getMessage());
        assertEquals("the mesh tp=3 has 3 ranks and the run has 8.",
                assertThrows(UserError.class, () -> parse("tp=3", 8)).getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "dp", "dp=", "dp=2,dp=2", "ep=2", "dp=-1", "dp=2,", "dp=2;tp=2", "dp=12345678901"})
    void otherTextIsRefused(String text) {
        assertEquals("a mesh such as dp=2,tp=2 was expected, found " + text + ".",
                assertThrows(UserError.class, () -> MeshShape.parse(text, OptionalInt.empty())).getMessage());
    }

    @Test
    void sizesBelowOneAndProductsWithoutEndAreRefused() {
        assertEquals("the sizes of a mesh must be at least 1, found dp=1,cp=0,tp=1,pp=1.",
                assertThrows(UserError.class, () -> MeshShape.parse("cp=0", OptionalInt.empty())).getMessage());
        assertThrows(UserError.class, () -> new MeshShape(1 << 20, 1 << 20, 1, 1));
    }

    @Test
    void everyRankHasAPlaceOfItsOwn() {
        MeshShape shape = new MeshShape(2, 3, 4, 5);
        for (int rank = 0; rank < shape.ranks(); rank++) {
            assertEquals(rank, shape.rank(shape.place(rank)));
        }
        assertEquals(new Place(0, 0, 1, 0), shape.place(1));
        assertEquals(new Place(0, 1, 0, 0), shape.place(4));
        assertEquals(new Place(1, 0, 0, 0), shape.place(12));
        assertEquals(new Place(0, 0, 0, 1), shape.place(24));
    }

    @Test
    void itIsWrittenAsItIsRead() {
        assertEquals("dp=1", MeshShape.ONE.toString());
        assertEquals("tp=2", new MeshShape(1, 1, 2, 1).toString());
        assertEquals("dp=12,pp=11", new MeshShape(12, 1, 1, 11).toString());
        assertEquals("dp=2,cp=3,tp=4,pp=5", new MeshShape(2, 3, 4, 5).toString());
    }
}
