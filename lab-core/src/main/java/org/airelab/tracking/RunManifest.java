package org.airelab.tracking;

import com.fasterxml.jackson.annotation.JsonValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.airelab.base.IoReasons;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/**
 * manifest.json: how a run was made, so that it can be made again. A run that is resumed keeps one entry a launch, and
 * its hours add up. Call {@link #update} now and then (at every checkpoint): a killed process loses no more than the
 * time since.
 */
public final class RunManifest {
    private static final int FORMAT = 1;
    private static final double SECONDS_AN_HOUR = 3600;

    /** How a run stands. */
    public enum Status {
        /** It is on, or its process was killed or lost its machine. */
        RUNNING,
        /** It has made all its steps. */
        FINISHED,
        /** It diverged, or an error stopped it. */
        FAILED,
        /** A signal such as Ctrl-C's stopped it. */
        INTERRUPTED;

        /** As it is written. */
        @JsonValue
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What a run is of.
     *
     * @param name            the run's name
     * @param seed            of everything random in it
     * @param device          such as cpu or cuda
     * @param devices         how many of them work on it
     * @param configSha256    of the resolved configuration
     * @param dataSha256      of the prepared data
     * @param tokenizerSha256 of the tokenizer
     */
    public record Subject(String name, long seed, String device, int devices, String configSha256, String dataSha256,
            String tokenizerSha256) {
    }

    /**
     * How a run stands.
     *
     * @param status          of its newest launch
     * @param configSha256    of its resolved configuration
     * @param dataSha256      of its prepared data
     * @param tokenizerSha256 of its tokenizer
     */
    public record Standing(Status status, String configSha256, String dataSha256, String tokenizerSha256) {
    }

    /** A process of the run, from its start to its end or its last sign of life. */
    record Launch(String started, String ended, double wallHours, double deviceHours, String device, int devices,
            List<String> commandLine, String commit, Boolean dirty, String host) {
    }

    /** The file: the newest launch's facts, sums over all launches, and the launches. */
    record Document(int format, Status status, String name, long seed, String configSha256, String dataSha256,
            String tokenizerSha256, String started, String ended, double wallHours, double deviceHours, String device,
            int devices, List<String> commandLine, String commit, Boolean dirty, Map<String, String> versions,
            Hardware hardware, List<Launch> launches) {
    }

    private final Path file;
    private final InstantSource clock;
    private final Subject subject;
    private final List<String> commandLine;
    private final SourceVersion source = SourceVersion.detect();
    private final Map<String, String> versions = new LinkedHashMap<>(Versions.detect());
    private final Hardware hardware = Hardware.detect();
    private final List<Launch> earlier;
    private final Instant started;
    private boolean ended;

    RunManifest(Path file, Subject subject, List<String> commandLine, InstantSource clock) {
        this.file = file;
        this.clock = clock;
        this.subject = subject;
        this.commandLine = List.copyOf(commandLine);
        this.earlier = Files.exists(file) ? read(file).launches() : List.of();
        this.started = clock.instant();
    }

    /**
     * Begins a launch and writes the file; one that is there already is continued.
     *
     * @param commandLine the command with its arguments
     * @throws UserError (bad input) when the file there is no manifest; (machine) when it cannot be written
     */
    public static RunManifest open(Path file, Subject subject, List<String> commandLine) {
        RunManifest manifest = new RunManifest(file, subject, commandLine, Clock.systemUTC());
        manifest.update();
        return manifest;
    }

    /**
     * How the run of a manifest stands.
     *
     * @throws UserError (bad input) when the file is no manifest
     */
    public static Standing standing(Path file) {
        Document document = read(file);
        return new Standing(document.status, document.configSha256, document.dataSha256, document.tokenizerSha256);
    }

    /** Writes the time so far: the run is alive. After {@link #end} it writes nothing. */
    public synchronized void update() {
        if (!ended) {
            write(Status.RUNNING);
        }
    }

    /** Writes how the launch ended; the first call counts. */
    public synchronized void end(Status status) {
        if (!ended) {
            ended = true;
            write(status);
        }
    }

    private void write(Status status) {
        Instant now = clock.instant();
        double hours = rounded(Math.max(0, Duration.between(started, now).toMillis()) / 1000.0 / SECONDS_AN_HOUR);
        List<Launch> launches = new ArrayList<>(earlier);
        launches.add(new Launch(text(started), text(now), hours, rounded(hours * subject.devices), subject.device,
                subject.devices, commandLine, source.commit(), source.dirty(), hardware.host()));
        Document document = new Document(FORMAT, status, subject.name, subject.seed, subject.configSha256,
                subject.dataSha256, subject.tokenizerSha256, launches.getFirst().started, text(now),
                rounded(launches.stream().mapToDouble(Launch::wallHours).sum()),
                rounded(launches.stream().mapToDouble(Launch::deviceHours).sum()), subject.device, subject.devices,
                commandLine, source.commit(), source.dirty(), versions, hardware, launches);
        try {
            Json.write(file, document);
        } catch (IOException e) {
            throw UserError.machine(file + " could not be written: " + IoReasons.of(e) + ".",
                    "Free space on its disk, then continue the run with --resume.", e);
        }
    }

    static Document read(Path file) {
        try {
            Document document = Json.MAPPER.readValue(Files.readAllBytes(file), Document.class);
            if (document == null || document.launches == null || document.format != FORMAT) {
                throw new IOException("it is not of format " + FORMAT);
            }
            return document;
        } catch (IOException e) {
            throw UserError.badInput(file + " is no manifest of a run: "
                    + IoReasons.of(e).lines().findFirst().orElse("") + ".", "Start a new run in another folder.", e);
        }
    }

    private static String text(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** To a hundredth of a second. */
    private static double rounded(double hours) {
        return Math.round(hours * 360_000) / 360_000.0;
    }
}
