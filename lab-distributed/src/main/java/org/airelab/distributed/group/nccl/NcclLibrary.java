package org.airelab.distributed.group.nccl;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.torch.TorchStream;

/** Finds NCCL: its own library, else the one within DJL's CUDA builds of libtorch. */
final class NcclLibrary {
    private static final String NAME = "libnccl.so.2";
    /** In NCCL since 2.18, and what groups need that is youngest. */
    private static final String YOUNGEST = "ncclCommSplit";
    private static final Optional<SymbolLookup> FOUND = find();

    private NcclLibrary() {
    }

    private static Optional<SymbolLookup> find() {
        try {
            return Optional.of(SymbolLookup.libraryLookup(NAME, Arena.global()));
        } catch (IllegalArgumentException e) {
            return inLibtorch();
        }
    }

    private static Optional<SymbolLookup> inLibtorch() {
        try {
            Optional<Path> file = TorchStream.cudaLibrary();
            return file.map(path -> SymbolLookup.libraryLookup(path, Arena.global()))
                    .filter(library -> library.find(YOUNGEST).isPresent());
        } catch (RuntimeException | LinkageError e) {
            // There is no libtorch that could be loaded, then.
            return Optional.empty();
        }
    }

    /** Whether NCCL is there, of whatever version. */
    static boolean available() {
        return FOUND.isPresent();
    }

    static SymbolLookup get() {
        SymbolLookup library = FOUND.orElseThrow(() -> UserError.machine("NCCL's library " + NAME + " was not found.",
                "Install NCCL (Debian: libnccl2), or name the folder it lies in in LD_LIBRARY_PATH; Python's"
                        + " nvidia-nccl packages have it in nvidia/nccl/lib."));
        if (library.find(YOUNGEST).isEmpty()) {
            throw UserError.machine("NCCL's library " + NAME + " is older than 2.18, which groups need.",
                    "Install a newer NCCL.");
        }
        return library;
    }
}
