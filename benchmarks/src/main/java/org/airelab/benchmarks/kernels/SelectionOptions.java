package org.airelab.benchmarks.kernels;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.airelab.base.UserError;
import org.airelab.kernels.DType;
import picocli.CommandLine.Help;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What commands take of all kernels there are, for picocli's {@code @Mixin}. */
final class SelectionOptions {
    @Parameters(paramLabel = "FAMILY", arity = "0..*", description = "Kernel families. Default: all.")
    private List<String> names = List.of();

    @Option(names = "--shape", paramLabel = "REGEX", defaultValue = "", showDefaultValue = Help.Visibility.NEVER,
            description = "Only shapes, such as 256x768, in whose name this is found.")
    private Pattern shape;

    @Option(names = "--dtype", paramLabel = "TYPE", split = ",", defaultValue = "fp32,fp16,bf16",
            description = "Element types, of which a CPU has fp32 alone. Default: ${DEFAULT-VALUE}.")
    private Set<DType> dtypes;

    @Option(names = "--kernel", paramLabel = "RUNG", split = ",",
            description = "Rungs, with the libraries a report compares them with. Default: the whole ladder.")
    private Set<String> kernels = Set.of();

    /**
     * What is asked for.
     *
     * @throws UserError (bad input) for a family that there is not
     */
    Selection selection() {
        return new Selection(FamilyNames.parse(names), shape, dtypes, kernels);
    }
}
