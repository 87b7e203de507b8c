/* What the tasks and the host of the program in C share. */
#ifndef BROOD_TESTS_MATRIX_TASKS_H
#define BROOD_TESTS_MATRIX_TASKS_H

#include <brood/brood.h>
#include <stdio.h>
#include <stdlib.h>

#include "pack.h"

/* Ends this program where it cannot go on. */
static inline void must(brood_status status) {
  if (status == BROOD_OK) return;
  fprintf(stderr, "%s\n", brood_error_message(brood_last_error()));
  abort();
}

static inline reader reader_of(brood_msg *msg) {
  const unsigned char *bytes = brood_msg_data(msg);
  reader from = {bytes, bytes + brood_msg_size(msg), brood_msg_codec(msg) != BROOD_CODEC_MSGPACK};
  return from;
}

void register_tasks(void);

#endif
