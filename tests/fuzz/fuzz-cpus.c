/* SPDX-License-Identifier: MIT */
/* Lists of CPUs: what is taken makes a set of all that the list says, and nothing else; what is not has its reason. */
#include "fuzz.h"

#include <errno.h>
#include <limits.h>

#include "isolation/scheduling.h"

static int is_in(const struct scheduling *made, size_t cpu)
{
    const size_t bits = sizeof(long) * CHAR_BIT;
    return cpu / bits < made->cpus_size / sizeof(long) && (made->cpus[cpu / bits] >> cpu % bits & 1);
}

static size_t count(const struct scheduling *made)
{
    size_t found = 0;
    for (size_t i = 0; i < made->cpus_size / sizeof(long); i++)
        found += (size_t)__builtin_popcountl(made->cpus[i]);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *list = next_line(&data, &size);
    const proc_scheduling asked = {.size = sizeof asked, .cpus = list};
    struct failure failure = {0};
    struct scheduling made;
    int rc = proc__scheduling_check(&asked, &failure);
    PROMISE(rc == 0 || (rc == -EINVAL && failure.code == EINVAL && failure.argument));
    PROMISE(proc__scheduling_prepare(&made, &asked, &failure) == rc);
    if (rc == 0) {
        proc_span rest = {list, strlen(list)};
        uint32_t first, last;
        size_t most = 0;
        PROMISE(made.cpus_size % sizeof(long) == 0 && made.cpus_size > 0 && made.cpus_size <= 65536 / 8);
        while (proc_range_next(&rest, &first, &last) == 1) {
            PROMISE(is_in(&made, first) && is_in(&made, last));
            most += (size_t)last - first + 1;
        }
        PROMISE(count(&made) > 0 && count(&made) <= most);
    }
    proc__scheduling_done(&made);
    free(list);
    return 0;
}
