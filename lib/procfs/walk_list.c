/* SPDX-License-Identifier: MIT */
/* getdents64(2) into bytes of the list itself: no stream, no allocation. */
#include "walk_list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../base/fd.h"
#include "number.h"

/* struct linux_dirent64: inode and offset of 64 bits, length of the record, type, name. */
#define LENGTH_AT 16
#define NAME_AT 19

void proc__list_begin(struct list *list, int fd)
{
    list->fd = fd;
    list->len = list->at = 0;
}

int proc__list_rewind(struct list *list)
{
    list->len = list->at = 0;
    return lseek(list->fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* 1: there are more; 0: that was all; a negative errno. */
static int more(struct list *list)
{
    long got;
    do
        got = proc__syscall(SYS_getdents64, list->fd, (long)list->bytes, sizeof list->bytes, 0, 0, 0);
    while (got == -EINTR);
    list->at = 0;
    list->len = got > 0 ? (size_t)got : 0;
    if (got == -ENOENT || got == -ESRCH)
        return 0;
    return got < 0 ? (int)got : got > 0;
}

/* A name that is all digits, and fits. */
static int number_of(const char *name, int *ret_number)
{
    int number = 0;
    if (*name == '\0')
        return 0;
    for (; *name != '\0'; name++) {
        unsigned digit = digit_of(*name);
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (int)digit, &number))
            return 0;
    }
    *ret_number = number;
    return number > 0;
}

int proc__list_next(struct list *list, int *ret_number)
{
    int rc = list->fd >= 0;
    while (rc > 0 && (list->at < list->len || (rc = more(list)) > 0)) {
        uint16_t length;
        const char *record = list->bytes + list->at;
        memcpy(&length, record + LENGTH_AT, sizeof length);
        list->at += length;
        if (number_of(record + NAME_AT, ret_number))
            return 1;
    }
    return rc;
}

void proc__list_end(struct list *list)
{
    proc__fd_close(&list->fd);
    list->len = list->at = 0;
}
