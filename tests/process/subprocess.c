#include "subprocess.h"

#include <stdlib.h>

brood_process *spawn_with(brood_process_options *options, const char *script) {
  const char *command[] = {"/bin/sh", "-c", script, NULL};
  brood_process *process = NULL;
  brood_error *error = NULL;
  options->command = command;
  if (brood_process_spawn(options, &process, &error) != BROOD_OK) {
    fail_msg("%s", brood_error_message(error));
  }
  return process;
}

brood_process *spawn(const char *script) {
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  return spawn_with(&options, script);
}

void join(brood_process *process) {
  assert_int_equal(brood_process_join(process, LIMIT_MS, NULL, NULL), BROOD_OK);
}

char *output_with(brood_process_options *options, const char *script, size_t *size) {
  size_t room = 1 << 16, got;
  char *text = malloc(room);
  options->standard_output.kind = BROOD_STDIO_PIPE;
  brood_process *process = spawn_with(options, script);
  for (*size = 0;; *size += got) {
    if (room - *size < 4096) text = realloc(text, room *= 2);
    brood_status status =
        brood_process_read(process, 1, text + *size, room - *size - 1, LIMIT_MS, NULL, &got, NULL);
    if (status == BROOD_E_CLOSED) break;
    assert_int_equal(status, BROOD_OK);
  }
  text[*size] = 0;
  join(process);
  brood_process_free(process);
  return text;
}

void assert_output(brood_process_options *options, const char *script, const char *wanted) {
  size_t size;
  char *text = output_with(options, script, &size);
  assert_string_equal(text, wanted);
  free(text);
}
