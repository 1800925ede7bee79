/* Loaded before a program, this sets its wall clock CLOCK_AHEAD seconds ahead. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(clock, time);
  const char *ahead = getenv("CLOCK_AHEAD");
  if (!done && clock == CLOCK_REALTIME && ahead) time->tv_sec += atol(ahead);
  return done;
}
