package org.airelab.nn;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** Tables that a configuration fixes, one row a position. They may have more elements than a Java array can. */
final class FixedTable {
    private FixedTable() {
    }

    /** The element of a row and a column. */
    @FunctionalInterface
    interface Element {
        double at(int row, int column);
    }

    /** A table [rows, columns], computed in float64 and kept in {@code type} on the manager's device. */
    static NDArray of(NDManager manager, ScalarType type, int rows, int columns, Element element) {
        NDArray table = Tensor.empty(type, manager.getDevice(), rows, columns).attach(manager);
        try (NDManager scope = manager.newSubManager()) {
            NDArray wide = Tensor.empty(ScalarType.FLOAT64, Device.cpu(), rows, columns).attach(scope);
            MemorySegment memory = NativeArrays.memory(wide);
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < columns; column++) {
                    memory.setAtIndex(ValueLayout.JAVA_DOUBLE, (long) row * columns + column, element.at(row, column));
                }
            }
            NativeArrays.copy(wide, table);
        }
        return table;
    }
}
