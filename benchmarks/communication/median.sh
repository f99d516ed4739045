# Sourced by the scripts beside it: a function for their awk programs, to be put before them.
# shellcheck disable=SC2034  # used there
median='
    function median(list, n,   i, j, x) { # of list[1] to list[n], which it sorts
        for (i = 2; i <= n; i++) {
            x = list[i]
            for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
            list[j + 1] = x
        }
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
'
