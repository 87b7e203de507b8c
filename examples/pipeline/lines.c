#include "lines.h"

#include <string.h>

size_t first_line_from(const char *log, size_t size, size_t offset) {
  if (offset == 0 || offset >= size) return offset < size ? offset : size;
  const char *end = memchr(log + offset - 1, '\n', size - offset + 1);
  return end == NULL ? size : (size_t)(end + 1 - log);
}

/* Cuts the next field off, as awk sees it. */
static text next_field(text *line) {
  size_t begin = 0;
  while (begin < line->size && (line->data[begin] == ' ' || line->data[begin] == '\t')) ++begin;
  size_t end = begin;
  while (end < line->size && line->data[end] != ' ' && line->data[end] != '\t') ++end;
  const text field = {line->data + begin, end - begin};
  line->data += end;
  line->size -= end;
  return field;
}

text next_line(text *rest) {
  const char *end = memchr(rest->data, '\n', rest->size);
  const text line = {rest->data, end == NULL ? rest->size : (size_t)(end - rest->data)};
  const size_t with_end = end == NULL ? line.size : line.size + 1;
  rest->data += with_end;
  rest->size -= with_end;
  return line;
}

size_t write_key(text line, char *out) {
  next_field(&line);
  next_field(&line);
  const text action = next_field(&line);
  memcpy(out, action.data, action.size);
  size_t size = action.size;
  if (action.size == 6 && memcmp(action.data, "status", 6) == 0) {
    const text state = next_field(&line);
    out[size++] = ' ';
    memcpy(out + size, state.data, state.size);
    size += state.size;
  }
  out[size++] = '\n';
  return size;
}
