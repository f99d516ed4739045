package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The job in deploy/slurm among programs that note what they are asked for; {@link SlurmTest} has the real ones. */
class SlurmFileTest {
    private static final Path FILE = Path.of("deploy/slurm/pretrain.sbatch");

    @TempDir
    private Path folder;
    private String output;

    private void program(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/usr/bin/env bash\necho \"" + name + " $*\" >> "
                + folder + "/calls\n" + text + "\n");
        assertTrue(file.toFile().setExecutable(true));
    }

    private Process start(String srun, Map<String, String> more) throws IOException {
        program("lab", "");
        program("scontrol", "");
        program("srun", srun);
        ProcessBuilder builder = new ProcessBuilder("bash", FILE.toString(), "stories15m", "--device", "cpu")
                .redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        environment.merge("PATH", folder + ":", (old, mine) -> mine + old);
        environment.putAll(Map.of("SLURM_JOB_ID", "7", "SLURM_SUBMIT_DIR", folder.toString(), "SLURM_CPUS_PER_TASK",
                "4"));
        environment.putAll(more);
        return builder.start();
    }

    /** The exit code of the job whose srun does what is given. */
    private int run(String srun, Map<String, String> more) throws IOException, InterruptedException {
        Process process = start(srun, more);
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(folder.resolve("calls"));
    }

    @Test
    void startsRanksThatGoOn() throws Exception {
        assertEquals(0, run("exit 0", Map.of()), output);
        String lab = folder.resolve("lab").toString();
        assertEquals(List.of("lab --version", "srun --kill-on-bad-exit=1 --cpus-per-task=4 " + lab
                + " pretrain stories15m --device cpu --out " + folder + "/runs/slurm-7 --resume"), calls());
        List<String> words = List.of(calls().getLast().split(" "));
        new CommandLine(new PretrainCommand()).parseArgs(words.subList(words.indexOf("pretrain") + 1, words.size())
                .toArray(String[]::new));
    }

    @Test
    void whatMayGoWellAnotherTimeIsStartedAgain() throws Exception {
        assertEquals(137, run("exit 137", Map.of()), output);
        assertEquals("scontrol requeue 7", calls().getLast());
        assertTrue(output.contains("a rank has failed (exit code 137); the job is started again"), output);
    }

    @Test
    void whatMayNotIsNot() throws Exception {
        assertEquals(1, run("exit 1", Map.of()), output);
        assertEquals(2, run("exit 2", Map.of()), output);
        assertEquals(75, run("exit 75", Map.of("SLURM_RESTART_COUNT", "3")), output);
        assertEquals(0, calls().stream().filter(call -> call.startsWith("scontrol")).count());
    }

    @Test
    void beforeTheTimeIsUp() throws Exception {
        Process process = start("touch " + folder + "/begun; while [ ! -e " + folder + "/end ]; do sleep 0.02; done",
                Map.of());
        await("begun");
        new ProcessBuilder("kill", "-USR1", Long.toString(process.pid())).start().waitFor();
        for (int i = 0; i < 3000 && !calls().contains("scontrol requeue 7"); i++) {
            Thread.sleep(10);
        }
        assertTrue(process.isAlive(), "it has not waited for its ranks");
        Files.createFile(folder.resolve("end"));
        assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it hangs");
        assertEquals(0, process.exitValue());
        assertEquals("scontrol requeue 7", calls().getLast());
    }

    private void await(String file) throws InterruptedException {
        for (int i = 0; i < 3000 && !Files.exists(folder.resolve(file)); i++) {
            Thread.sleep(10);
        }
    }
}
