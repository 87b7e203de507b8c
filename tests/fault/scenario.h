#ifndef TESTS_FAULT_SCENARIO_H
#define TESTS_FAULT_SCENARIO_H

/* Uses brood while the `number`-th call of `name` fails. Returns what was wrong, or "". Does not
 * return in a worker. */
const char *scenario_run(int argc, char **argv, const char *name, long number, int *out_fds);

#endif
