package org.airelab.benchmarks.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.kernels.DType;

/**
 * What is measured of a workload in an element type.
 *
 * @param kernels     its rungs, from the slowest up
 * @param library     the name among the kernels of what they are compared with; null for none
 * @param libraryCall the library and its operators, for reports; null for none
 */
record Ladder(Workload<?> workload, DType dtype, List<String> kernels, String library, String libraryCall) {
    /** What is left with those rungs alone; all for none. */
    Ladder only(Set<String> names) {
        return names.isEmpty() ? this : new Ladder(workload, dtype,
                kernels.stream().filter(names::contains).toList(), library, libraryCall);
    }

    /** An item for each kernel, and for the library. */
    List<Task.Item> items() {
        List<Task.Item> items = new ArrayList<>();
        kernels.forEach(kernel -> items.add(item(kernel)));
        if (library != null) {
            items.add(item(library));
        }
        return items;
    }

    /** The item of a kernel, or of the library. */
    Task.Item item(String kernel) {
        return new Task.Item(workload.id(), kernel, dtype);
    }
}
