package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelCompilerTest {
    private static final KernelSource PROBE = KernelSource.of("cuda/probe.cu");

    private static final String LOG = """
            ptxas info    : Compiling entry function 'all_kinds' for 'sm_90a'
            ptxas info    : Used 24 registers, used 1 barriers, 32 bytes smem
            """;

    @TempDir
    Path folder;

    /** Notes what it compiles; the machine code is the source. */
    private record Noting(String version, int release, List<String> compiled) implements CudaCompiler {
        @Override
        public Compiled compile(String name, String text, String architecture) {
            compiled.add(architecture + " " + text);
            return new Compiled(text.getBytes(StandardCharsets.UTF_8), LOG);
        }
    }

    private KernelCompiler compiler(CudaCompiler compiler, int architecture) {
        return new KernelCompiler(compiler, new CubinCache(folder), KernelCompiler.target(architecture));
    }

    private static Nvcc nvcc() {
        assumeTrue(Nvcc.find().isPresent(), "SKIPPED: there is no nvcc, so that no CUDA source is compiled here");
        return Nvcc.find().orElseThrow();
    }

    @Test
    void sourceMacrosArchitectureAndVersionMakeOtherCubins() {
        Noting old = new Noting("1.0", 100, new ArrayList<>());
        Noting recent = new Noting("1.1", 101, old.compiled());
        for (int repetition = 0; repetition < 2; repetition++) {
            compiler(old, 80).compile(PROBE);
            compiler(old, 90).compile(PROBE);
            compiler(recent, 80).compile(PROBE);
            compiler(old, 80).compile(PROBE.with("TILE", 8));
            compiler(old, 80).compile(PROBE.with("TILE", 16));
        }
        assertEquals(5, old.compiled().size());
        assertTrue(old.compiled().getLast().startsWith("sm_80 #define TILE 16\n#line 1 \"cuda/probe.cu\"\n// Kernels"));
    }

    /** What a report has compiled, a launch need not compile again. */
    @Test
    void whatIsReportedOfIsInTheCache() {
        Noting noting = new Noting("1.0", 100, new ArrayList<>());
        assertEquals(List.of(new KernelResources("all_kinds", "sm_90a", 24, 32, 0, 0, false)),
                compiler(noting, 90).resources(PROBE));
        assertArrayEquals(KernelCompiler.unit(PROBE).getBytes(StandardCharsets.UTF_8),
                compiler(noting, 90).compile(PROBE));
        assertEquals(1, noting.compiled().size());
        compiler(noting, 90).resources(PROBE);
        assertEquals(2, noting.compiled().size());
    }

    @Test
    void theNewerCompilerIsTakenAndOfEqualsTheFirst() {
        CudaCompiler library = new Noting("NVRTC 12.6", 1206, List.of());
        CudaCompiler same = new Noting("nvcc 12.6.85", 1206, List.of());
        CudaCompiler newer = new Noting("nvcc 13.0.88", 1300, List.of());
        assertSame(library, KernelCompiler.newest(List.of(library, same), 1300).orElseThrow());
        assertSame(newer, KernelCompiler.newest(List.of(library, newer), 1300).orElseThrow());
        assertSame(newer, KernelCompiler.newest(List.of(newer, library), 1300).orElseThrow());
        // Of a driver's own major version also what is newer than the driver.
        assertSame(library, KernelCompiler.newest(List.of(library, newer), 1204).orElseThrow());
        assertTrue(KernelCompiler.newest(List.of(newer), 1209).isEmpty());
        assertTrue(KernelCompiler.newest(List.of(), 1300).isEmpty());
    }

    @Test
    void whatIsMissingIsNamedWithTheArchitecture() {
        assumeTrue(Nvrtc.find(900).isEmpty());
        MissingCudaException error = assertThrows(MissingCudaException.class,
                () -> KernelCompiler.of(900, KernelCompiler.Kind.NVRTC));
        assertEquals("there is no compiler for CUDA kernels of sm_900: no libnvrtc.so.12 that knows it",
                error.getMessage());
    }

    @Test
    void hopperAndBlackwellGetTheirOwnFeatures() {
        assertEquals(List.of("sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120"),
                List.of(80, 89, 90, 100, 120).stream().map(KernelCompiler::target).toList());
    }

    @Test
    void nvccMakesMachineCodeForEachArchitecture() {
        Nvcc nvcc = nvcc();
        assertTrue(nvcc.version().matches("nvcc \\d+\\.\\d+\\.\\d+"), nvcc.version());
        assertTrue(nvcc.version().startsWith("nvcc " + nvcc.release() / 100 + "." + nvcc.release() % 100 + "."));
        for (int architecture : new int[] {80, 90, 100}) {
            byte[] cubin = compiler(nvcc, architecture).compile(PROBE.with("TEXT", "\"a b\""));
            assertArrayEquals(new byte[] {0x7F, 'E', 'L', 'F'}, Arrays.copyOf(cubin, 4));
        }
    }

    @Test
    void nvrtcMakesMachineCodeToo() {
        assumeTrue(Nvrtc.find(90).isPresent(), "SKIPPED: there is no libnvrtc.so.12");
        Nvrtc nvrtc = Nvrtc.find(90).orElseThrow();
        assertTrue(nvrtc.version().matches("NVRTC 12\\.\\d+"), nvrtc.version());
        for (KernelSource source : List.of(PROBE.with("TEXT", "\"a b\""), KernelSource.of("cuda/header_probe.cu"),
                KernelSource.of("cuda/hopper_probe.cu"))) {
            byte[] cubin = compiler(nvrtc, 90).compile(source);
            assertArrayEquals(new byte[] {0x7F, 'E', 'L', 'F'}, Arrays.copyOf(cubin, 4));
        }
        String message = assertThrows(CompilationException.class,
                () -> compiler(nvrtc, 90).compile(PROBE.with("BROKEN", 1))).getMessage();
        assertTrue(message.contains("cuda/probe.cu("), message);
    }

    @Test
    void anErrorShowsTheCompilersLinesWithTheSourcesNames() {
        Nvcc nvcc = nvcc();
        CompilationException error = assertThrows(CompilationException.class,
                () -> compiler(nvcc, 80).compile(PROBE.with("BROKEN", 1)));
        int line = PROBE.text().substring(0, PROBE.text().indexOf("undeclared_name")).split("\n").length - 1;
        assertTrue(error.getMessage().startsWith("cuda/probe.cu -DBROKEN=1 does not compile for sm_80 with "
                + nvcc.version() + ":\n"), error.getMessage());
        assertTrue(error.getMessage().contains("cuda/probe.cu(" + line + "): error: identifier \"undeclared_name\" is "
                + "undefined"), error.getMessage());
    }

    @Test
    void theHeaderOfAllKernelsCompiles() {
        nvcc();
        ResourceReport report = report(KernelSource.of("cuda/header_probe.cu"), 80, 90, 100);
        assertEquals(3, report.rows().size());
        assertEquals(List.of(), report.violations());
    }

    @Test
    void theReportCountsRegistersAndFindsUndeclaredLocalMemory() {
        nvcc();
        ResourceReport plain = report(PROBE, 80, 90);
        assertEquals(List.of("all_kinds sm_80", "no_parameters sm_80", "add_index sm_80", "all_kinds sm_90a",
                "no_parameters sm_90a", "add_index sm_90a").stream().sorted().toList(), plain.rows().stream()
                .map(row -> row.resources().entry() + " " + row.resources().target()).sorted().toList());
        assertEquals(List.of(), plain.violations());
        for (ResourceReport.Row row : plain.rows()) {
            assertTrue(row.resources().registers() > 0 && row.resources().registers() < 64, row.toString());
            assertEquals(row.resources().entry().equals("all_kinds") ? 32 : 0, row.resources().sharedBytes());
        }
        // 4096 bytes are declared in the source's header.
        assertFalse(spilling(PROBE.with("SPILL", 1024)).exceedsDeclaration());
        ResourceReport.Row larger = spilling(PROBE.with("SPILL", 1025));
        assertTrue(larger.exceedsDeclaration());
        assertTrue(larger.resources().localBytes() > 4096, larger.toString());
    }

    private ResourceReport report(KernelSource source, int... architectures) {
        return ResourceReport.of(IntStream.of(architectures).mapToObj(architecture -> ResourceReport.of(
                List.of(source), compiler(nvcc(), architecture))).toList());
    }

    private ResourceReport.Row spilling(KernelSource source) {
        return report(source, 80).rows().stream()
                .filter(row -> row.resources().entry().equals("spilling")).findFirst().orElseThrow();
    }

    /** Local memory may be declared, as the source's 4096 bytes are, spills may not. */
    @Test
    void declaredLocalMemoryAllowsNoSpills() {
        assertFalse(probe(4096, 0).exceedsDeclaration());
        assertTrue(probe(16, 4).exceedsDeclaration());
        assertTrue(probe(0, 4).exceedsDeclaration());
        assertEquals(1, new ResourceReport("nvcc 13", List.of(probe(16, 0), probe(16, 56))).violations().size());
    }

    private static ResourceReport.Row probe(int localBytes, int spillBytes) {
        return new ResourceReport.Row(PROBE, new KernelResources("name", "sm_80", 32, 0, localBytes, spillBytes,
                false));
    }

    private static ResourceReport.Row row(KernelSource source, String entry, String target, int registers,
            int sharedBytes) {
        return new ResourceReport.Row(source, new KernelResources(entry, target, registers, sharedBytes, 16, 8, false));
    }

    @Test
    void theReportHasALineForEachSourceAndForEachKernel() {
        KernelSource tile8 = PROBE.with("TILE", 8);
        KernelSource tile4 = PROBE.with("TILE", 4);
        List<String> lines = new ResourceReport("nvcc 13", List.of(row(tile8, "first", "sm_90a", 32, 1024),
                row(tile8, "second", "sm_90a", 40, 0), row(tile4, "first", "sm_90a", 36, 2048),
                row(tile8, "first", "sm_100a", 34, 512),
                row(KernelSource.of("cuda/before.cu"), "only", "sm_90a", 8, 0)))
                .markdown("./lab kernel-resources").lines().toList();
        assertTrue(lines.contains("Made by `./lab kernel-resources` with nvcc 13; it needs no GPU. A row is a kernel "
                + "as ptxas reports it:"));
        assertEquals(List.of("| cuda/before.cu | sm_90a | 1 | 8 | 0 | 16 | 8 |",
                "| cuda/probe.cu | sm_90a | 2 | 40 | 2048 | 16 | 8 |",
                "| cuda/probe.cu | sm_100a | 1 | 34 | 512 | 16 | 8 |",
                "| cuda/probe.cu -DTILE=8 | first | sm_90a | 32 | 1024 | 16 | 8 |",
                "| cuda/probe.cu -DTILE=8 | second | sm_90a | 40 | 0 | 16 | 8 |",
                "| cuda/probe.cu -DTILE=4 | first | sm_90a | 36 | 2048 | 16 | 8 |",
                "| cuda/probe.cu -DTILE=8 | first | sm_100a | 34 | 512 | 16 | 8 |",
                "| cuda/before.cu | only | sm_90a | 8 | 0 | 16 | 8 |"),
                lines.stream().filter(line -> line.startsWith("| cuda")).toList());
    }

    @Test
    void theAssemblersLogIsRead() {
        assertEquals(List.of(new KernelResources("first", "sm_90a", 255, 49152, 112, 300, true),
                new KernelResources("second", "sm_90a", 8, 0, 24, 0, false)), KernelResources.parse("""
                ptxas info    : 0 bytes gmem, 24 bytes cmem[4]
                ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to \
                insufficient register resources for the wgmma pipeline in the function 'first'
                ptxas info    : Compiling entry function 'first' for 'sm_90a'
                ptxas info    : Function properties for first
                    112 bytes stack frame, 100 bytes spill stores, 200 bytes spill loads
                ptxas info    : Used 255 registers, used 16 barriers, 112 bytes cumulative stack size, 49152 bytes smem
                ptxas info    : Compile time = 12.5 ms
                ptxas info    : Compiling entry function 'second' for 'sm_90a'
                ptxas info    : Function properties for second
                    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
                ptxas info    : Used 8 registers, used 0 barriers
                ptxas info    : Function properties for called
                    24 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
                """));
    }

    @Test
    void aLongLogIsShortened() {
        String message = new CompilationException("a.cu", "sm_80", "nvcc", "line\n".repeat(100)).getMessage();
        assertEquals(62, message.lines().count(), message);
        assertTrue(message.endsWith("(and 40 lines more)"), message);
    }
}
