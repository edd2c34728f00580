/* SPDX-License-Identifier: MIT */
/* Calls a fuzz target with each file that is named: the corpora are ordinary tests wherever there is no libFuzzer. */
#include "fuzz.h"

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        uint8_t bytes[1 << 16];
        FILE *file = fopen(argv[i], "rb");
        PROMISE(file);
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        /* On the heap, and no longer than it is: reading past the end is seen. */
        uint8_t *exact = malloc(size ? size : 1);
        PROMISE(exact);
        memcpy(exact, bytes, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    return argc > 1 ? 0 : 1;
}
