/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fixture_set(struct fixture *fixture, const void *bytes, size_t len)
{
    char *data = malloc(len > 0 ? len : 1);
    if (!data)
        abort();
    memcpy(data, bytes, len);
    fixture_done(fixture);
    *fixture = (struct fixture){data, len};
}

void fixture_load(struct fixture *fixture, const char *directory, const char *name)
{
    static char bytes[64 * 1024];
    char path[512];
    snprintf(path, sizeof path, "%s/%s.txt", directory, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "no fixture %s\n", path);
        abort();
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    fixture_set(fixture, bytes, len);
}

void fixture_done(struct fixture *fixture)
{
    free(fixture->data);
    *fixture = (struct fixture){NULL, 0};
}
