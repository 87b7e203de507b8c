/* Lines of a log of dpkg. */
#ifndef PIPELINE_LINES_H
#define PIPELINE_LINES_H

#include <stddef.h>

typedef struct text {
  const char *data;
  size_t size;
} text;

/* Where the first line lies that begins at `offset` or later; `size` if there is none. */
size_t first_line_from(const char *log, size_t size, size_t offset);

/* Cuts the next line off; the last one needs no end. */
text next_line(text *rest);

/* Writes what a line is about, and an end of line: its third field, and the fourth if that is the
 * state of a package. That is no longer than the line with its end.
 */
size_t write_key(text line, char *out);

#endif
