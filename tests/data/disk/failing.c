/* Loaded before a program, this makes the disk under its database fail in the way that the file
   FAILING_DISK names: "full" (no write fits), or "fsync" (nothing reaches the disk). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int names(const char *fault) {
  const char *path = getenv("FAILING_DISK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  char text[16] = {0};
  ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  return got > 0 && !strncmp(text, fault, strlen(fault));
}

/* Whether the descriptor is of the database or of its log. */
static int is_database(int descriptor) {
  char link[40], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 4) return 0;
  path[length] = 0;
  return !strcmp(path + length - 3, ".db") || !strcmp(path + length - 4, "-wal");
}

static int fails(int descriptor, const char *fault, int error) {
  if (!names(fault) || !is_database(descriptor)) return 0;
  errno = error;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t length) {
  if (fails(descriptor, "full", ENOSPC)) return -1;
  return REAL(write)(descriptor, bytes, length);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
  if (fails(descriptor, "full", ENOSPC)) return -1;
  return REAL(pwrite64)(descriptor, bytes, length, offset);
}

int fsync(int descriptor) {
  return fails(descriptor, "fsync", EIO) ? -1 : REAL(fsync)(descriptor);
}

int fdatasync(int descriptor) {
  return fails(descriptor, "fsync", EIO) ? -1 : REAL(fdatasync)(descriptor);
}
