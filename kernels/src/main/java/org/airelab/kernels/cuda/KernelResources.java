package org.airelab.kernels.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a compiled kernel takes of a multiprocessor, as {@code ptxas -v} says.
 *
 * @param entry       the kernel
 * @param target      architecture it was compiled for, such as {@code sm_90a}
 * @param registers   32-bit registers of a thread
 * @param sharedBytes static shared memory of a block
 * @param localBytes  local memory of a thread: spilled registers, and arrays with computed indices
 * @param spillBytes  bytes of spilled registers stored and loaded, as counted in the code
 * @param serialized  whether ptxas lets each wgmma wait for the one before, as registers do not suffice for more
 */
public record KernelResources(String entry, String target, int registers, int sharedBytes, int localBytes,
        int spillBytes, boolean serialized) {
    private static final Pattern ENTRY = Pattern.compile("Compiling entry function '([^']+)' for '([^']+)'");
    private static final Pattern FRAME = Pattern.compile(
            "(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");
    private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");
    private static final Pattern SERIALIZED = Pattern.compile("wgmma\\S* instructions are serialized[^'\\n]*'([^']+)'");
    private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");

    /** The kernels of a log, in its order. */
    static List<KernelResources> parse(String log) {
        List<KernelResources> kernels = new ArrayList<>();
        Set<String> serialized = SERIALIZED.matcher(log).results().map(m -> m.group(1)).collect(Collectors.toSet());
        Matcher entry = ENTRY.matcher(log);
        while (entry.find()) {
            int end = log.indexOf("Compiling entry function", entry.end());
            String section = log.substring(entry.end(), end < 0 ? log.length() : end);
            // A function that is called, not inlined, has a frame of its own: local memory is theirs together.
            int local = 0;
            int spills = 0;
            Matcher frame = FRAME.matcher(section);
            while (frame.find()) {
                local += Integer.parseInt(frame.group(1));
                spills += Integer.parseInt(frame.group(2)) + Integer.parseInt(frame.group(3));
            }
            kernels.add(new KernelResources(entry.group(1), entry.group(2), first(REGISTERS, section),
                    first(SHARED, section), local, spills, serialized.contains(entry.group(1))));
        }
        return List.copyOf(kernels);
    }

    private static int first(Pattern pattern, String section) {
        Matcher matcher = pattern.matcher(section);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
    }
}
