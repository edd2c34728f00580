/* SPDX-License-Identifier: MIT */
/* Pages that tell a forked copy from the original. Keeps nothing but what its callers hold. */
#include "origin.h"

#include <sys/mman.h>
#include <unistd.h>

/* <sys/mman.h> of older libcs lacks it; since 4.14. */
#define WIPE_ON_FORK 18
#define NO_ADVICE (-1)

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static int advise(volatile char *page, int advice)
{
    return (int)proc__syscall(SYS_madvise, (long)page, (long)page_size(), advice, 0, 0, 0);
}

/* An emulator that takes any advice, and follows none, is found out by what is no advice at all. */
static int is_wiped_on_fork(volatile char *page)
{
    return advise(page, NO_ADVICE) < 0 && advise(page, WIPE_ON_FORK) == 0;
}

void proc__origin_take(struct origin *ret_origin)
{
    *ret_origin = (struct origin){.pid = (int)getpid()};
    void *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    ret_origin->mark = page;
    if (is_wiped_on_fork(page))
        *ret_origin->mark = 1;
    else
        proc__origin_drop(ret_origin);
}

int proc__origin_is_another(const struct origin *origin)
{
    return origin->mark ? !*origin->mark : origin->pid != (int)getpid();
}

void proc__origin_drop(struct origin *origin)
{
    if (origin->mark)
        munmap((void *)(uintptr_t)origin->mark, page_size());
    origin->mark = NULL;
}
