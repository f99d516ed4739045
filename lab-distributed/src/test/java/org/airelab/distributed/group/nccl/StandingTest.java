package org.airelab.distributed.group.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Reduction;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;

class StandingTest {
    @Test
    void asTexts() {
        Call call = new Call(Kind.ALL_REDUCE, ScalarType.BFLOAT16, Reduction.MAX, Call.NOBODY, 1L << 40);
        Standing standing = Standing.read(new Standing(7, null, call).write());
        assertEquals(new Standing(7, null, call), standing);
        assertEquals(call, standing.call(8));
        assertNull(standing.call(7));
        assertTrue(!standing.before(8) && standing.before(9));
        assertTrue(new Standing(7, call, null).before(8));
        assertEquals(call, new Standing(7, call, null).call(7));
        assertNull(Standing.read(null));
    }
}
