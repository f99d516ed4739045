package org.airelab.doctor;

import ai.djl.util.Utils;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.cli.Version;
import org.airelab.data.DataPreparation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab doctor}. */
@Command(name = "doctor", description = "Show what this machine has, what it enables, and what to install.",
        footer = {"  lab doctor", "  lab doctor --deep",
                "  lab doctor --json | jq '.checks[] | select(.status != \"ok\")'"})
public final class DoctorCommand implements LabCommand {
    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Option(names = "--deep", description = "Also load libtorch and multiply two matrices with it.")
    private boolean deep;

    @Spec
    private CommandSpec spec;

    @Override
    public CommandGroup group() {
        return CommandGroup.MACHINE;
    }

    /** Prints the findings; 3 when something is missing that the lab cannot work without. */
    @Override
    public Integer call() {
        Machine machine = Machine.local();
        List<Finding> findings = checks(deep).stream().map(check -> check.examine(machine)).toList();
        var report = new DoctorReport(Version.lab(), findings);
        spec.commandLine().getOut().print(json ? report.json() + System.lineSeparator() : report.table());
        spec.commandLine().getOut().flush();
        return report.ready() ? 0 : UserError.MACHINE;
    }

    /** All checks, in the order they are shown. */
    static List<Check> checks(boolean deep) {
        var checks = new ArrayList<>(List.of(new JavaCheck(), new ProcessorCheck(), new MemoryCheck(),
                new DiskCheck("Runs", Path.of("runs"), "checkpoints and metrics of runs started in this folder"),
                new DiskCheck("Cache", DataPreparation.defaultCacheFolder(), "downloads and prepared data"),
                new DiskCheck("DJL cache", Utils.getCacheDir(), "libtorch, unpacked once"),
                new LibtorchCheck()));
        if (deep) {
            checks.add(new TorchTrial());
        }
        checks.addAll(List.of(new FontCheck(), new MavenCheck(),
                new ProgramCheck("g++", List.of("g++", "clang++"), "(\\d+\\.\\d+\\.\\d+)",
                        "tests that run CUDA kernels on the CPU", "apt-get install g++"),
                new GpuCheck(),
                new LibraryCheck("CUDA 12", List.of("libcudart.so.12", "libcublas.so.12", "libnvrtc.so.12"),
                        "libtorch on the GPU; compiling kernels on first use; cuBLAS to measure against",
                        "With an NVIDIA GPU: install the libraries of CUDA 12 (cuda-libraries-12-6, cuda-nvrtc-12-6)."),
                new ProgramCheck("nvcc", List.of("nvcc"), "release (\\d+\\.\\d+)",
                        "compiling kernels, with g++, where NVRTC is older or missing",
                        "With an NVIDIA GPU and no NVRTC: install cuda-nvcc-12-6 and g++."),
                new LibraryCheck("NCCL", List.of("libnccl.so.2"), "collectives between GPUs",
                        "With several NVIDIA GPUs: apt-get install libnccl2, or use a libtorch that contains it."),
                new LibraryCheck("MPI", List.of("libmpi.so.40"), "collectives between machines without GPUs",
                        "With several machines: apt-get install openmpi-bin libopenmpi-dev.")));
        return checks;
    }
}
