package org.airelab.kernels.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * A GPU's state at a moment, by NVML (NVML API reference, "Device Queries"). A value that the GPU does not tell is -1.
 *
 * @param smMegahertz     clock of the multiprocessors
 * @param memoryMegahertz clock of the memory
 * @param maxSmMegahertz  highest clock of the multiprocessors
 * @param watts           power drawn
 * @param celsius         temperature
 * @param throttleReasons bits of {@code nvmlClocksEventReasons}: why clocks are lower than they could be, 1 for idle
 */
public record GpuReadings(int smMegahertz, int memoryMegahertz, int maxSmMegahertz, double watts, int celsius,
        long throttleReasons) {
    private static final String LIBRARY = "libnvidia-ml.so.1";
    private static final int CLOCK_SM = 1;
    private static final int CLOCK_MEMORY = 2;
    private static final int TEMPERATURE_GPU = 0;
    private static final Map<Long, String> REASONS = new TreeMap<>(Map.of(0x4L, "power limit",
            0x8L, "hardware slowdown", 0x20L, "temperature", 0x40L, "temperature, by hardware", 0x80L, "power brake"));

    /**
     * Reads a GPU; empty where there is no NVML or it does not know the GPU.
     *
     * @param busId as {@link CudaDevice#busId()} gives it
     */
    public static Optional<GpuReadings> of(String busId) {
        return NativeLibraries.open(LIBRARY).flatMap(library -> new Nvml(library).read(busId));
    }

    /** Reads by a given library. */
    static Optional<GpuReadings> of(SymbolLookup library, String busId) {
        return new Nvml(library).read(busId);
    }

    /**
     * Why the multiprocessors' clock is held down now, in words; empty when nothing holds it down, the GPU does not
     * tell, or only its being idle or a clock that somebody has chosen does ({@code nvmlClocksEventReasons}).
     */
    public List<String> throttling() {
        if (throttleReasons < 0) {
            return List.of();
        }
        return REASONS.entrySet().stream().filter(reason -> (throttleReasons & reason.getKey()) != 0)
                .map(Map.Entry::getValue).toList();
    }

    private record Nvml(SymbolLookup library) {
        Optional<GpuReadings> read(String busId) {
            try (Arena arena = Arena.ofConfined()) {
                if (!succeeds("nvmlInit_v2")) {
                    return Optional.empty();
                }
                MemorySegment device = arena.allocate(ADDRESS);
                if (!succeeds("nvmlDeviceGetHandleByPciBusId_v2", arena.allocateFrom(busId), device)) {
                    return Optional.empty();
                }
                MemorySegment handle = device.get(ADDRESS, 0);
                long milliwatts = ask("nvmlDeviceGetPowerUsage", JAVA_INT, handle).orElse(-1);
                return Optional.of(new GpuReadings(number("nvmlDeviceGetClockInfo", handle, CLOCK_SM),
                        number("nvmlDeviceGetClockInfo", handle, CLOCK_MEMORY),
                        number("nvmlDeviceGetMaxClockInfo", handle, CLOCK_SM),
                        milliwatts < 0 ? -1 : milliwatts / 1000.0,
                        number("nvmlDeviceGetTemperature", handle, TEMPERATURE_GPU),
                        ask("nvmlDeviceGetCurrentClocksThrottleReasons", JAVA_LONG, handle).orElse(-1)));
            }
        }

        private int number(String function, Object... arguments) {
            return (int) ask(function, JAVA_INT, arguments).orElse(-1);
        }

        /** A function whose last parameter points to its result. */
        private OptionalLong ask(String function, ValueLayout type, Object... arguments) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment result = arena.allocate(JAVA_LONG);
                Object[] all = Arrays.copyOf(arguments, arguments.length + 1);
                all[arguments.length] = result;
                if (!succeeds(function, all)) {
                    return OptionalLong.empty();
                }
                return OptionalLong.of(type == JAVA_INT ? result.get(JAVA_INT, 0) : result.get(JAVA_LONG, 0));
            }
        }

        /** Calls a function of pointers and ints; a library without it is one whose GPU does not tell. */
        private boolean succeeds(String function, Object... arguments) {
            Optional<MemorySegment> symbol = library.find(function);
            if (symbol.isEmpty()) {
                return false;
            }
            MemoryLayout[] parameters = new MemoryLayout[arguments.length];
            for (int i = 0; i < arguments.length; i++) {
                parameters[i] = arguments[i] instanceof MemorySegment ? ADDRESS : JAVA_INT;
            }
            try {
                return (int) Linker.nativeLinker().downcallHandle(symbol.get(),
                        FunctionDescriptor.of(JAVA_INT, parameters)).invokeWithArguments(arguments) == 0;
            } catch (Throwable e) {
                throw new AssertionError("foreign functions throw nothing", e);
            }
        }
    }
}
