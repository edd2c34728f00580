/* SPDX-License-Identifier: MIT */
/* What comes to the web server: any bytes get one of its answers, and what is understood lies in what was said. */
#include "fuzz.h"

#include "../../examples/02-basics/http.h"

static int parse(const char *bytes, size_t len, struct http_request *ret_request)
{
    static const int answers[] = {0, 200, 400, 405, 414, 431, 505};
    size_t i = 0;
    int status = http_parse(bytes, len, ret_request);
    while (i < sizeof answers / sizeof answers[0] && answers[i] != status)
        i++;
    PROMISE(i < sizeof answers / sizeof answers[0]);
    PROMISE((status != 414 && status != 431) || len >= HTTP_MOST_HEAD);
    return status;
}

static void check_path(const struct http_request *request, const char *bytes, size_t len)
{
    const char *path = request->path;
    PROMISE(request->path_len > 0 && path[0] == '/' && !memchr(path, '?', request->path_len));
    PROMISE((path >= bytes && path + request->path_len <= bytes + len) || request->path_len == 1);
    PROMISE(request->is_head == 0 || request->is_head == 1);
}

/* The bytes come in pieces: before the end of the head there is no answer, and behind it none changes. */
static void check_pieces(const char *bytes, size_t len, int status)
{
    struct http_request request;
    size_t first = 0;
    while (first < len && parse(bytes, first, &request) == 0)
        first++;
    for (size_t piece = first; piece <= len; piece++)
        PROMISE(parse(bytes, piece, &request) == status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request request;
    const char *bytes = size > 0 ? (const char *)data : "";
    int status = parse(bytes, size, &request);
    if (status == 200)
        check_path(&request, bytes, size);
    if (size < 512)
        check_pieces(bytes, size, status);
    char answer[HTTP_MOST_ANSWER];
    if (status != 0)
        PROMISE(http_answer(status, NULL, 0, answer) < sizeof answer);
    return 0;
}
