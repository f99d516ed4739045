package org.airelab.kernels.cuda;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the kernels of sources take of a multiprocessor, compiled for several architectures.
 *
 * @param rows one for each kernel and architecture
 */
public record ResourceReport(List<Row> rows) {
    private static final Pattern DECLARED = Pattern.compile("(?m)^// local memory: (\\d+) bytes, because \\S");

    /** A kernel of a source. */
    public record Row(KernelSource source, KernelResources resources) {
        /** Whether it spills, uses more local memory than its source's header declares, or lets wgmma wait. */
        public boolean exceedsDeclaration() {
            return resources.serialized() || resources.spillBytes() > 0
                    || resources.localBytes() > declaredLocalBytes(source);
        }
    }

    public ResourceReport {
        rows = List.copyOf(rows);
    }

    /**
     * Compiles sources with nvcc.
     *
     * @param architectures compute capabilities as {@code 10 * major + minor}; all sources are compiled for each
     * @throws MissingCudaException when there is no nvcc
     * @throws CompilationException when a source does not compile
     */
    public static ResourceReport of(Collection<KernelSource> sources, int... architectures) {
        Nvcc nvcc = Nvcc.find().orElseThrow(() -> new MissingCudaException("the resource report needs nvcc, which "
                + "cannot be found", "Install the CUDA toolkit, or set CUDA_HOME to its folder."));
        List<Row> rows = new ArrayList<>();
        for (KernelSource source : sources) {
            for (int architecture : architectures) {
                String log = nvcc.compileVerbosely(source.toString(), KernelCompiler.unit(source),
                        KernelCompiler.target(architecture)).log();
                KernelResources.parse(log).forEach(kernel -> rows.add(new Row(source, kernel)));
            }
        }
        return new ResourceReport(rows);
    }

    /** Whether a machine can make a report: it needs nvcc. */
    public static boolean available() {
        return Nvcc.find().isPresent();
    }

    /** Rows that spill, use local memory without saying so, or whose wgmma are serialized. */
    public List<Row> violations() {
        return rows.stream().filter(Row::exceedsDeclaration).toList();
    }

    /** Local memory of a thread that a source's line {@code // local memory: N bytes, because ...} allows, else 0. */
    static int declaredLocalBytes(KernelSource source) {
        Matcher declaration = DECLARED.matcher(source.text());
        return declaration.find() ? Integer.parseInt(declaration.group(1)) : 0;
    }

    /** The report as a table in Markdown. */
    public String markdown() {
        StringBuilder table = new StringBuilder("| source | kernel | for | registers | shared memory | local memory | "
                + "spills |\n| --- | --- | --- | ---: | ---: | ---: | ---: |\n");
        for (Row row : rows) {
            KernelResources kernel = row.resources();
            table.append(String.format("| %s | %s | %s | %d | %d | %d | %d |%n", row.source(), kernel.entry(),
                    kernel.target(), kernel.registers(), kernel.sharedBytes(), kernel.localBytes(),
                    kernel.spillBytes()));
        }
        return table.toString();
    }
}
