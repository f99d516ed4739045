package org.airelab.distributed.launch;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.airelab.base.UserError;

/** Slurm's short forms of lists. */
final class SlurmLists {
    private static final Pattern TASKS = Pattern.compile("(\\d{1,9})(?:\\(x(\\d{1,9})\\))?");

    private SlurmLists() {
    }

    /** The number of tasks of a node by its place in such as {@code 2(x3),1}: two each on three nodes, then one. */
    static int tasks(String list, int node) {
        int first = 0;
        for (String part : list.split(",")) {
            Matcher matcher = TASKS.matcher(part);
            if (!matcher.matches()) {
                break;
            }
            first += matcher.group(2) == null ? 1 : Integer.parseInt(matcher.group(2));
            if (node < first) {
                return Integer.parseInt(matcher.group(1));
            }
        }
        throw UserError.badInput("SLURM_STEP_TASKS_PER_NODE must name the tasks of node " + node + ", found '" + list
                + "'.", "Start the ranks with srun, or with --nproc N.");
    }

    /** The first host of such as {@code gpu[03-07,9],login}: gpu03. */
    static String firstHost(String list) {
        int bracket = list.indexOf('[');
        int comma = list.indexOf(',');
        if (bracket < 0 || comma >= 0 && comma < bracket) {
            return comma < 0 ? list : list.substring(0, comma);
        }
        return list.substring(0, bracket) + list.substring(bracket + 1).split("[-,\\]]", 2)[0];
    }
}
