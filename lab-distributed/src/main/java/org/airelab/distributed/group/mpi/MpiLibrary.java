package org.airelab.distributed.group.mpi;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.Optional;
import org.airelab.base.UserError;

/** Finds Open MPI's C library. Its handles are addresses of symbols, other libraries' are numbers. */
final class MpiLibrary {
    private static final List<String> NAMES = List.of("libmpi.so.40", "libmpi.so");
    private static final Optional<SymbolLookup> FOUND = find();

    private MpiLibrary() {
    }

    private static Optional<SymbolLookup> find() {
        for (String name : NAMES) {
            try {
                SymbolLookup library = SymbolLookup.libraryLookup(name, Arena.global());
                if (library.find("ompi_mpi_comm_world").isPresent()) {
                    return Optional.of(library);
                }
            } catch (IllegalArgumentException e) {
                // Under the next name, then.
            }
        }
        return Optional.empty();
    }

    static boolean available() {
        return FOUND.isPresent();
    }

    static SymbolLookup get() {
        return FOUND.orElseThrow(() -> UserError.machine("Open MPI's library " + NAMES.getFirst() + " was not found.",
                "Install Open MPI 4 (Debian: apt-get install openmpi-bin), or stay on one host and let the lab start"
                        + " the ranks itself."));
    }
}
