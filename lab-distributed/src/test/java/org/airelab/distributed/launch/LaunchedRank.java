package org.airelab.distributed.launch;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.kernels.cpu.Parallel;

/** What ranks do in {@link LauncherTest}; with {@code launch} first it is their launcher. */
final class LaunchedRank {
    private LaunchedRank() {
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("launch")) {
            Path run = Path.of(arguments[1]);
            System.exit(Launcher.run(new Launcher.Plan(Integer.parseInt(arguments[2]), 2,
                    RunFolder.startedOver(run), LaunchedRank.class,
                    List.of(arguments[3], run.toString()), List.of(arguments[4], run.toString()),
                    () -> System.err.println("farewell"))));
        }
        LauncherWatch.start();
        World world = World.of(System.getenv());
        if (world.rank() == 0 && !arguments[0].equals("early")) {
            Files.writeString(Path.of(arguments[1], "manifest.json"), "{}");
        }
        System.out.println("rank " + world.rank() + " of " + world.size() + " does " + arguments[0]);
        Files.writeString(Path.of(arguments[1], arguments[0] + "-" + world.rank()), "");
        boolean last = world.rank() == world.size() - 1;
        switch (arguments[0]) {
            case "well" -> { }
            case "threads" -> {
                try (ProcessGroup group = BackEnd.SHM.join(world, Limits.DEFAULT)) {
                    Cores.share(group);
                }
                System.out.println(Parallel.findOpenMp() + " " + Parallel.threads());
            }
            case "fail", "early" -> exit(last, 7, "error: no luck\n  Try again.");
            case "refuse" -> exit(last, 2, "error: no such thing");
            case "diverge" -> exit(true, 1, "error: the run diverged");
            case "crash" -> exit(last, 70, "something\nwent wrong");
            case "notice" -> {
                // The others notice before the one at fault has ended, which has more to do.
                if (last) {
                    Thread.sleep(2500);
                }
                exit(true, last ? 3 : 75, last ? "error: no room" : "error: rank 1 stopped: no room");
            }
            case "deaf" -> {
                Runtime.getRuntime().addShutdownHook(new Thread(LaunchedRank::sleep));
                exit(last, 7, "error: no luck");
            }
            case "sleep" -> sleep();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void exit(boolean exits, int code, String message) {
        if (!exits) {
            sleep();
        }
        System.err.println(message);
        Runtime.getRuntime().halt(code);
    }

    private static void sleep() {
        try {
            Thread.sleep(600_000);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
