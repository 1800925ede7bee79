/* Loaded before a program, this sets its wall clock ahead: CLOCK_AHEAD seconds, or as many as the
   file CLOCK_AHEAD_FILE says at the moment. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
  const char *path = getenv("CLOCK_AHEAD_FILE"), *fixed = getenv("CLOCK_AHEAD");
  if (!path) return fixed ? atol(fixed) : 0;
  char text[24] = {0};
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
  close(file);
  return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(clock, time);
  if (!done && clock == CLOCK_REALTIME) time->tv_sec += ahead();
  return done;
}
