package org.airelab.doctor;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import jdk.incubator.vector.VectorShape;

/** The processor's cores and vector instructions. */
final class ProcessorCheck implements Check {
    private static final String ENABLES = "training and kernels on the CPU";
    /** Instruction sets that change how fast tensor code can be, as /proc/cpuinfo (x86, then Arm) names them. */
    private static final List<String> OF_INTEREST = List.of("sse4_2", "avx", "f16c", "fma", "avx2", "avx512f",
            "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8",
            "asimd", "asimdhp", "bf16", "sve", "sve2");
    private static final int BITS_FOR_FULL_SPEED = 256;

    @Override
    public Finding examine(Machine machine) {
        List<String> lines = machine.lines("/proc/cpuinfo");
        String model = value(lines, "model name", System.getProperty("os.arch"));
        Set<String> flags = Arrays.stream(value(lines, "flags", value(lines, "Features", "")).split("\\s+"))
                .collect(Collectors.toSet());
        List<String> instructions = OF_INTEREST.stream().filter(flags::contains).toList();
        int cores = Runtime.getRuntime().availableProcessors();
        int bits = VectorShape.preferredShape().vectorBitSize();
        var details = new LinkedHashMap<String, Object>(
                Map.of("model", model, "cores", cores, "java_vector_bits", bits));
        details.put("instructions", instructions);
        String found = String.format(Locale.ROOT, "%s, %d core%s, Java vectors of %d bits%s", model, cores,
                cores == 1 ? "" : "s", bits, instructions.isEmpty() ? "" : ", " + String.join(" ", instructions));
        if (bits < BITS_FOR_FULL_SPEED) {
            return new Finding("CPU", Status.WARNING, found, ENABLES,
                    "Expect slow CPU kernels: they are written for vectors of 256 bits (AVX2) and more.", details);
        }
        return Finding.ok("CPU", found, ENABLES, details);
    }

    private static String value(List<String> lines, String key, String otherwise) {
        return lines.stream().filter(line -> line.startsWith(key) && line.contains(":")).findFirst()
                .map(line -> line.substring(line.indexOf(':') + 1).strip()).orElse(otherwise);
    }
}
