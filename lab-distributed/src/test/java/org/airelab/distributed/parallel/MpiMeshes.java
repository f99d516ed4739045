package org.airelab.distributed.parallel;

import ai.djl.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.airelab.distributed.launch.Cores;

/**
 * What each of the four processes does that {@code mpirun} has started for {@link MpiParityTest}: {@link MeshTraining}
 * in one way after another, for starting Java, MPI and libtorch takes longer than a training. Of ways of two ranks two
 * are tried at once, each by a half of the processes.
 */
final class MpiMeshes {
    static final int RANKS = 4;
    private static final String LOSSES = "losses.txt";

    private MpiMeshes() {
    }

    /** The first argument is the folder, with a folder in it for each way's results; the others are the ways. */
    public static void main(String[] arguments) {
        try (ProcessGroup world = MpiGroup.join(Limits.DEFAULT, true)) {
            Cores.share(world);
            Path folder = Path.of(arguments[0]);
            List<String> ways = List.of(arguments).subList(1, arguments.length);
            List<String> ofAll = ways.stream().filter(way -> ranks(way) == RANKS).toList();
            List<String> ofHalf = ways.stream().filter(way -> ranks(way) == RANKS / 2).toList();
            for (String way : ofAll) {
                train(world.split("all", 0), way, folder);
            }
            int half = world.rank() / 2;
            ProcessGroup pair = world.split("pair", half);
            for (int i = half; i < ofHalf.size(); i += 2) {
                train(pair.split("way", 0), ofHalf.get(i), folder);
            }
            pair.close();
        } catch (Throwable t) {
            t.printStackTrace();
            // At once: the others must not wait for this rank in MPI's own shutdown.
            Runtime.getRuntime().halt(1);
        }
    }

    private static int ranks(String way) {
        return MeshTraining.division(way).mesh().ranks();
    }

    /** Trains by the ranks of a group, which is closed. */
    private static void train(ProcessGroup group, String way, Path folder) throws Exception {
        boolean first = group.rank() == 0;
        Path run = run(folder, way);
        double[] losses = MeshTraining.train(Ranks.of(group, Device.cpu(), MeshTraining.division(way)), run, 0,
                MeshTraining.STEPS)[0];
        if (first) {
            Files.writeString(run.resolve(LOSSES), Arrays.stream(losses).mapToObj(Double::toString)
                    .collect(Collectors.joining("\n")));
        }
    }

    /** The folder of a way's results. */
    static Path run(Path folder, String way) {
        return folder.resolve(way.replaceAll("\\W+", "-"));
    }

    /** A way's losses. */
    static double[] losses(Path run) throws Exception {
        return Files.readAllLines(run.resolve(LOSSES)).stream().mapToDouble(Double::parseDouble).toArray();
    }
}
