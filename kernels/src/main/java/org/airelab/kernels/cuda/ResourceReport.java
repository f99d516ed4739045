package org.airelab.kernels.cuda;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What the kernels of sources take of a multiprocessor, compiled for several architectures.
 *
 * @param compiler the compiler and its version
 * @param rows     one for each kernel and architecture
 */
public record ResourceReport(String compiler, List<Row> rows) {
    private static final String HEAD = """
            # Registers and memory of the CUDA kernels

            Made by `%s` with %s; it needs no GPU. A row is a kernel as ptxas reports it:

            - **source**: the file and the macros it is compiled with. Each set of macros that a rung launches it with
              is a compilation.
            - **for**: the architecture, sm_80 of an A100, sm_90a of an H100 or H200, sm_100a of a B200.
            - **registers**: of 32 bits, of a thread. It can have 255, and all threads of a multiprocessor 65,536.
            - **shared memory**: bytes of a block, of arrays whose size is compiled in. What a launch adds is not there.
            - **local memory**: bytes of a thread, of spilled registers and of arrays with computed indices. The header
              of a source that uses any says why, and how much.
            - **spills**: bytes of registers stored to local memory and loaded again, as counted in the code. A kernel
              that spills fails the command.

            ## Sources

            The most that any kernel of a source takes, over so many compilations.

            | source | for | compilations | registers | shared memory | local memory | spills |
            | --- | --- | ---: | ---: | ---: | ---: | ---: |
            """;
    private static final String KERNELS = """

            ## Kernels

            | source | kernel | for | registers | shared memory | local memory | spills |
            | --- | --- | --- | ---: | ---: | ---: | ---: |
            """;
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
     * Compiles sources.
     *
     * @throws CompilationException when a source does not compile
     */
    public static ResourceReport of(Collection<KernelSource> sources, KernelCompiler compiler) {
        List<Row> rows = new ArrayList<>();
        for (KernelSource source : sources) {
            compiler.resources(source).forEach(kernel -> rows.add(new Row(source, kernel)));
        }
        return new ResourceReport(compiler.version(), rows);
    }

    /** All rows of several, by all of their compilers. */
    public static ResourceReport of(List<ResourceReport> parts) {
        return new ResourceReport(
                String.join(" and ", parts.stream().map(ResourceReport::compiler).distinct().toList()),
                parts.stream().flatMap(part -> part.rows().stream()).toList());
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

    /**
     * The report in Markdown: what the columns mean, a summary with a row for each source and architecture, and a row
     * for each kernel.
     *
     * @param command what was typed to make it
     */
    public String markdown(String command) {
        StringBuilder text = new StringBuilder(String.format(HEAD, command, compiler));
        rows.stream().collect(Collectors.groupingBy(row -> row.source().name(), TreeMap::new,
                Collectors.groupingBy(row -> row.resources().target(), LinkedHashMap::new, Collectors.toList())))
                .forEach((source, targets) -> targets.forEach((target, some) ->
                        text.append(summary(source, target, some))));
        text.append(KERNELS);
        for (Row row : rows) {
            KernelResources kernel = row.resources();
            text.append(String.format("| %s | %s | %s | %d | %d | %d | %d |%n", row.source(), kernel.entry(),
                    kernel.target(), kernel.registers(), kernel.sharedBytes(), kernel.localBytes(),
                    kernel.spillBytes()));
        }
        return text.toString();
    }

    private static String summary(String source, String target, List<Row> rows) {
        return String.format("| %s | %s | %d | %d | %d | %d | %d |%n", source, target,
                rows.stream().map(Row::source).distinct().count(), most(rows, KernelResources::registers),
                most(rows, KernelResources::sharedBytes), most(rows, KernelResources::localBytes),
                most(rows, KernelResources::spillBytes));
    }

    private static int most(List<Row> rows, ToIntFunction<KernelResources> count) {
        return rows.stream().map(Row::resources).mapToInt(count).max().orElseThrow();
    }
}
