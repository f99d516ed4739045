package org.airelab.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DoctorCommandTest {
    private static String run(int expected, String... arguments) {
        var out = new StringWriter();
        int exitCode = new CommandLine(new DoctorCommand()).setOut(new PrintWriter(out)).execute(arguments);
        assertEquals(expected, exitCode, out.toString());
        return out.toString();
    }

    @Test
    void jsonHasEveryCheckWithEveryField() throws Exception {
        JsonNode report = new ObjectMapper().readTree(run(0, "--json"));
        assertTrue(report.get("ready").asBoolean());
        assertTrue(report.get("lab").asText().matches("\\d+\\.\\d+\\.\\d+.*"), report.get("lab").asText());
        List<String> names = StreamSupport.stream(report.get("checks").spliterator(), false)
                .map(check -> check.get("name").asText()).toList();
        assertEquals(List.of("Java", "CPU", "Memory", "Runs", "Cache", "DJL cache", "libtorch", "Fonts", "Maven", "g++",
                "GPU", "CUDA 12", "nvcc", "NCCL", "MPI"), names);
        for (JsonNode check : report.get("checks")) {
            var fields = new ArrayList<String>();
            check.fieldNames().forEachRemaining(fields::add);
            assertEquals(List.of("name", "status", "found", "enables", "advice", "details"), fields);
            assertTrue(Set.of("ok", "warning", "absent").contains(check.get("status").asText()), check.toString());
            assertFalse(check.get("found").asText().isEmpty(), check.toString());
            assertFalse(check.get("enables").asText().isEmpty(), check.toString());
            assertTrue(check.get("details").isObject(), check.toString());
        }
    }

    @Test
    void deepAddsATrialOfLibtorch() throws Exception {
        JsonNode report = new ObjectMapper().readTree(run(0, "--json", "--deep"));
        assertEquals("libtorch at work", report.get("checks").get(7).get("name").asText());
        assertEquals("ok", report.get("checks").get(7).get("status").asText());
    }

    @Test
    void theTableFitsATerminal() {
        run(0).lines().forEach(line -> assertTrue(line.length() <= 80 || line.strip().lastIndexOf(' ') < 4,
                "longer than 80 columns: " + line));
    }

    @Test
    void theTableWrapsWordsUnderTheirColumn() {
        var finding = new Finding("GPU", Status.WARNING, "word ".repeat(30).strip(), "much", "Do this.", Map.of());
        String table = new DoctorReport("1.0.0", List.of(finding)).table();
        List<String> lines = table.lines().toList();
        assertEquals("!   GPU  " + "word ".repeat(14).strip(), lines.get(0));
        assertEquals("         " + "word ".repeat(14).strip(), lines.get(1));
        assertEquals("         word word", lines.get(2));
        assertEquals("         for much", lines.get(3));
        assertEquals("         -> Do this.", lines.get(4));
    }

    @Test
    void onlyWhatIsMissingMakesItNotReady() {
        var absent = new DoctorReport("1.0.0", List.of(Finding.absent("GPU", "much", "Buy one.")));
        assertTrue(absent.ready());
        var missing = new DoctorReport("1.0.0",
                List.of(new Finding("libtorch", Status.MISSING, "none", "all", "Get it.", Map.of())));
        assertFalse(missing.ready());
        assertTrue(missing.table().contains("Not ready: what is marked XX is needed."), missing.table());
    }
}
