package org.airelab.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.tracking.RunManifest.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunRecordsTest {
    private static final RunManifest.Subject SUBJECT =
            new RunManifest.Subject("quickstart", 42, "cuda", 4, "c0", "d0", "t0");

    @TempDir
    private Path folder;

    private Instant now = Instant.parse("2026-03-01T10:00:00.25Z");

    @Test
    void manifestSaysHowTheRunWasMade() throws IOException {
        Path file = folder.resolve("manifest.json");
        RunManifest.open(file, SUBJECT, List.of("pretrain", "quickstart")).end(Status.FINISHED);
        JsonNode manifest = Json.MAPPER.readTree(Files.readAllBytes(file));
        assertEquals("finished", manifest.path("status").textValue());
        assertEquals(42, manifest.path("seed").longValue());
        assertEquals("t0", manifest.path("tokenizer_sha256").textValue());
        assertEquals("d0", manifest.path("data_sha256").textValue());
        assertEquals("c0", manifest.path("config_sha256").textValue());
        assertEquals("quickstart", manifest.path("command_line").path(1).textValue());
        assertEquals(Runtime.getRuntime().availableProcessors(), manifest.path("hardware").path("cores").intValue());
        assertTrue(manifest.path("hardware").path("memory_bytes").longValue() > 1 << 20);
        assertFalse(manifest.path("hardware").path("cpu").textValue().isBlank());
        assertTrue(manifest.path("versions").path("java").textValue().startsWith(Runtime.version().toString()));
        assertEquals(List.of("lab", "java", "djl", "libtorch"), List.copyOf(Versions.detect().keySet()));
        assertTrue(manifest.path("commit").textValue().matches("[0-9a-f]{40}|unknown"));
    }

    @Test
    void hoursAddUpOverLaunches() {
        Path file = folder.resolve("manifest.json");
        RunManifest first = launch(file);
        now = now.plusSeconds(1800);
        first.update();
        assertEquals(Status.RUNNING, RunManifest.read(file).status());
        now = now.plusSeconds(600);
        // Killed here: the last ten minutes are lost, the half hour is not.
        now = now.plusSeconds(86_400);
        RunManifest second = launch(file);
        now = now.plusSeconds(3600);
        second.end(Status.INTERRUPTED);
        RunManifest.Document document = RunManifest.read(file);
        assertEquals(1.5, document.wallHours());
        assertEquals(6, document.deviceHours());
        assertEquals("2026-03-01T10:00:00Z", document.started());
        assertEquals("2026-03-02T11:40:00Z", document.ended());
        assertEquals(2, document.launches().size());
        assertEquals("2026-03-01T10:30:00Z", document.launches().getFirst().ended());
        assertEquals(Status.INTERRUPTED, document.status());
        now = now.minusSeconds(7200);
        RunManifest third = launch(file);
        now = now.minusSeconds(3600);
        third.end(Status.FAILED);
        assertEquals(1.5, RunManifest.read(file).wallHours(), "a clock that was set back takes no hours away");
    }

    private RunManifest launch(Path file) {
        RunManifest manifest = new RunManifest(file, SUBJECT, List.of("pretrain"), () -> now);
        manifest.update();
        return manifest;
    }

    @Test
    void brokenManifestsAreNamed() throws IOException {
        Path file = folder.resolve("manifest.json");
        for (String text : List.of("", "{", "{}", "null", "[]", "{\"format\": 2, \"launches\": []}")) {
            Files.writeString(file, text);
            UserError error = assertThrows(UserError.class, () -> RunManifest.open(file, SUBJECT, List.of()));
            assertTrue(error.getMessage().contains("manifest.json"), error.getMessage());
            assertEquals(text, Files.readString(file));
        }
        assertEquals(UserError.MACHINE, assertThrows(UserError.class,
                () -> RunManifest.open(file.resolve("x"), SUBJECT, List.of())).exitCode());
    }

    @Test
    void commitIsThatOfTheCheckout() throws IOException {
        assertEquals("unknown", SourceVersion.of(folder).commit());
        assertNull(SourceVersion.of(folder).dirty());
        assumeTrue(Programs.output("git", "--version").isPresent(), "skipped: this machine has no git");
        git("init", "-q");
        assertEquals("unknown", SourceVersion.of(folder).commit(), "a checkout of something else");
        Path source = Files.createDirectories(folder.resolve("lab-core/src"));
        Path file = Files.writeString(source.resolve("A.java"), "class A {}");
        assertEquals("unknown", SourceVersion.of(source).commit(), "no commit yet");
        git("add", "-A");
        git("-c", "user.name=n", "-c", "user.email=e@x", "commit", "-q", "-m", "m");
        SourceVersion clean = SourceVersion.of(source);
        assertTrue(clean.commit().matches("[0-9a-f]{40}"), clean.commit());
        assertEquals(false, clean.dirty());
        assertEquals(clean, SourceVersion.of(source));
        Files.writeString(file, "class A { }");
        assertEquals(true, SourceVersion.of(source).dirty());
        assertEquals(clean.commit(), SourceVersion.of(source).commit());
        Files.writeString(file, "class A {}");
        Files.writeString(source.resolve("B.java"), "class B {}");
        assertEquals(true, SourceVersion.of(source).dirty(), "a class that no commit holds");
    }

    @Test
    void whatTheLauncherWroteDownIsRead() throws IOException {
        Path file = folder.resolve("source-version");
        assertEquals("unknown", SourceVersion.recorded(file).commit());
        Files.writeString(file, "");
        assertEquals("unknown", SourceVersion.recorded(file).commit(), "built outside a checkout");
        Files.writeString(file, "commit=" + "a".repeat(40) + "\ndirty=true\n");
        assertEquals(new SourceVersion("a".repeat(40), true), SourceVersion.recorded(file));
    }

    @Test
    void whatEndsFirstCounts() {
        Path file = folder.resolve("manifest.json");
        RunManifest manifest = launch(file);
        manifest.end(Status.INTERRUPTED);
        manifest.update();
        manifest.end(Status.FINISHED);
        assertEquals(Status.INTERRUPTED, RunManifest.read(file).status());
    }

    private void git(String... arguments) {
        String[] command = new String[arguments.length + 3];
        command[0] = "git";
        command[1] = "-C";
        command[2] = folder.toString();
        System.arraycopy(arguments, 0, command, 3, arguments.length);
        assertTrue(Programs.output(command).isPresent(), String.join(" ", command));
    }

    @Test
    void gpusAreReadFromTheDriversTool() {
        assertEquals(List.of(new Hardware.Gpu("NVIDIA H200", 143_771L << 20, "570.1"),
                        new Hardware.Gpu("NVIDIA A100", 40_960L << 20, "535.0")),
                Hardware.parseGpus("NVIDIA H200, 143771, 570.1\nNVIDIA A100, 40960, 535.0\n"
                        + "No devices were found\nX, [N/A], 1"));
        assertEquals(List.of(), Hardware.parseGpus(""));
    }

    @Test
    void programsThatFailSayNothing() {
        assertTrue(Programs.output("no-such-program-anywhere").isEmpty());
        assertTrue(Programs.output(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-no-such")
                .isEmpty());
    }

    @Test
    void summaryLeavesOutWhatIsNotKnown() throws IOException {
        Path file = folder.resolve("summary.json");
        new RunSummary(OptionalDouble.of(1.5), OptionalDouble.of(0.7), OptionalDouble.empty(), 12345.5, 300, 264_000,
                Map.of("sample", "Once")).write(file);
        assertEquals("""
                {
                  "val_loss": 1.5,
                  "val_bits_per_byte": 0.7,
                  "tokens_per_second": 12345.5,
                  "steps": 300,
                  "parameters": 264000,
                  "sample": "Once"
                }
                """, Files.readString(file));
        new RunSummary(OptionalDouble.of(Double.NaN), OptionalDouble.empty(), OptionalDouble.of(1.25), 0, 0, 0,
                Map.of()).write(file);
        JsonNode read = Json.MAPPER.readTree(file.toFile());
        assertEquals("NaN", read.path("val_loss").textValue());
        assertEquals(1.25, read.path("entropy_floor").doubleValue());
        assertFalse(read.has("val_bits_per_byte"));
        assertThrows(IllegalArgumentException.class,
                () -> new RunSummary(OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(),
                        0, 0, 0, Map.of("steps", 3)).write(file));
        assertEquals(UserError.MACHINE, assertThrows(UserError.class, () -> new RunSummary(OptionalDouble.empty(),
                OptionalDouble.empty(), OptionalDouble.empty(), 0, 0, 0, Map.of()).write(file.resolve("x")))
                .exitCode());
    }
}
