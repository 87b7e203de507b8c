/* The processes of the pipeline: started, now and then killed, and started again. */
#ifndef PIPELINE_CREW_H
#define PIPELINE_CREW_H

#include "stages.h"

enum { kCrew = 6 };

typedef struct member {
  const char *stage;
  brood_process *process; /* NULL: it has finished */
} member;

/* Used by one thread from crew_start() to crew_watch()'s return. */
typedef struct crew {
  const plan *plan;
  brood_handle *const *handles; /* kHandles of them */
  int64_t chaos_ms;             /* a kill every so often; 0: none */
  member members[kCrew];
  uint64_t kills;
} crew;

void crew_start(crew *crew);
/* Returns when every process has finished by itself; ends the program if one of them failed. */
void crew_watch(crew *crew);

#endif
