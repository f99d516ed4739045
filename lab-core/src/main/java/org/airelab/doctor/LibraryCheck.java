package org.airelab.doctor;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Shared libraries that serve one purpose together. */
final class LibraryCheck implements Check {
    private final String name;
    private final List<String> libraries;
    private final String enables;
    private final String advice;

    /**
     * @param libraries file names as the dynamic linker is asked for them, all of them needed
     * @param advice    how to get them
     */
    LibraryCheck(String name, List<String> libraries, String enables, String advice) {
        this.name = name;
        this.libraries = List.copyOf(libraries);
        this.enables = enables;
        this.advice = advice;
    }

    @Override
    public Finding examine(Machine machine) {
        var found = new ArrayList<String>();
        var missing = new ArrayList<String>();
        var unlinked = new ArrayList<Machine.Library>();
        var details = new LinkedHashMap<String, Object>();
        for (String library : libraries) {
            Optional<Machine.Library> file = machine.library(library);
            file.ifPresentOrElse(f -> {
                found.add(library + (f.version().isEmpty() ? "" : " (" + f.version() + ")"));
                details.put(library, f.file().toString());
            }, () -> missing.add(library));
            file.filter(f -> !f.linked()).ifPresent(unlinked::add);
        }
        if (found.isEmpty()) {
            return new Finding(name, Status.ABSENT, "no " + String.join(", no ", missing), enables, advice, details);
        }
        if (!missing.isEmpty()) {
            return new Finding(name, Status.WARNING,
                    String.join(", ", found) + ", but no " + String.join(", no ", missing), enables, advice, details);
        }
        if (!unlinked.isEmpty()) {
            return new Finding(name, Status.WARNING,
                    String.join(", ", found) + ", where the dynamic linker does not look", enables,
                    "Set LD_LIBRARY_PATH=" + unlinked.getFirst().file().getParent() + ", or tell ldconfig.", details);
        }
        return Finding.ok(name, String.join(", ", found), enables, details);
    }
}
