/* SPDX-License-Identifier: MIT */
/*
 * Builds every path that a search may try before the child exists, so that the child only has to go through them. Asks
 * the file system nothing: what is there is decided by execve(2), with the child's directory and credentials.
 */
#include "search.h"

#include <stdlib.h>
#include <string.h>

/* The paths and, behind them in the same block, their characters. On the first pass there is only counting. */
struct builder {
    const char **paths;
    char *text;
    size_t path_count, text_size;
};

static void add(struct builder *builder, const char *dir, size_t dir_length, const char *name)
{
    size_t name_size = strlen(name) + 1, size = dir_length + 1 + name_size;
    if (builder->paths) {
        char *path = builder->text + builder->text_size;
        memcpy(path, dir, dir_length);
        path[dir_length] = '/';
        memcpy(path + dir_length + 1, name, name_size);
        builder->paths[builder->path_count] = path;
    }
    builder->path_count++;
    builder->text_size += size;
}

static void add_itself(struct builder *builder, const char *name)
{
    if (builder->paths)
        builder->paths[builder->path_count] = name;
    builder->path_count++;
}

static void add_from_list(struct builder *builder, const char *name, const char *list, int relative)
{
    for (;;) {
        size_t length = strcspn(list, ":");
        if (list[0] == '/')
            add(builder, list, length, name);
        else if (relative && length == 0)
            add(builder, ".", 1, name);
        else if (relative)
            add(builder, list, length, name);
        if (list[length] == '\0')
            return;
        list += length + 1;
    }
}

static void add_all(struct builder *builder, const char *const *names, const char *list, int relative)
{
    for (; *names; names++)
        if (**names == '\0' || strchr(*names, '/'))
            add_itself(builder, *names);
        else
            add_from_list(builder, *names, list, relative);
}

const char **proc__search_paths(const char *const *names, const char *list, int relative)
{
    struct builder builder = {0};
    add_all(&builder, names, list, relative);
    size_t vector_size = (builder.path_count + 1) * sizeof(const char *);
    const char **paths = malloc(vector_size + builder.text_size);
    if (!paths)
        return NULL;
    builder = (struct builder){.paths = paths, .text = (char *)paths + vector_size};
    add_all(&builder, names, list, relative);
    paths[builder.path_count] = NULL;
    return paths;
}
