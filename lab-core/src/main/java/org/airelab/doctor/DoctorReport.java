package org.airelab.doctor;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.base.Json;
import org.airelab.cli.Paragraph;

/** The findings as a person, or a program, reads them. */
record DoctorReport(String version, List<Finding> findings) {
    private static final String LINE = System.lineSeparator();

    /** Whether everything is there that the lab cannot work without. */
    boolean ready() {
        return findings.stream().noneMatch(finding -> finding.status() == Status.MISSING);
    }

    /** A table of at most 80 columns; only a word that is longer by itself, such as a path, sticks out. */
    String table() {
        int nameWidth = findings.stream().mapToInt(finding -> finding.name().length()).max().orElse(0);
        String indent = " ".repeat(nameWidth + 6);
        var text = new StringBuilder();
        for (Finding finding : findings) {
            String head = String.format("%-2s  %-" + nameWidth + "s  ", finding.status().mark(), finding.name());
            text.append(Paragraph.wrap(finding.found(), head, indent))
                    .append(Paragraph.wrap("for " + finding.enables(), indent, indent));
            if (!finding.advice().isEmpty()) {
                text.append(Paragraph.wrap("-> " + finding.advice(), indent, indent + "   "));
            }
        }
        return text.append(LINE).append(conclusion()).append(LINE).toString();
    }

    private String conclusion() {
        if (!ready()) {
            return "Not ready: what is marked " + Status.MISSING.mark() + " is needed.";
        }
        boolean gpu = findings.stream().anyMatch(f -> f.name().equals(GpuCheck.NAME) && f.status() == Status.OK);
        boolean cuda = findings.stream().anyMatch(f -> f.name().equals(LibtorchCheck.NAME)
                && f.details().getOrDefault("flavor", "").toString().startsWith("cu"));
        return gpu && cuda ? "Ready to train on the CPU and the GPU."
                : gpu ? "Ready to train on the CPU; the GPU waits for a CUDA build of libtorch."
                : "Ready to train on the CPU; there is no GPU to use.";
    }

    /** One JSON object: {@code lab}, {@code ready}, and {@code checks} with all fields of {@link Finding}. */
    String json() {
        var checks = new ArrayList<Map<String, Object>>();
        for (Finding finding : findings) {
            var check = new LinkedHashMap<String, Object>();
            check.put("name", finding.name());
            check.put("status", finding.status().toString());
            check.put("found", finding.found());
            check.put("enables", finding.enables());
            check.put("advice", finding.advice());
            check.put("details", finding.details());
            checks.add(check);
        }
        var report = new LinkedHashMap<String, Object>();
        report.put("lab", version);
        report.put("ready", ready());
        report.put("checks", checks);
        return Json.pretty(report).strip();
    }
}
