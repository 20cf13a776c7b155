/* lib/string.c, lib/format.c: the few C library functions that the library OS needs. */
#ifndef LIBOS_STRING_H
#define LIBOS_STRING_H

#include "include/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/*
 * snprintf(3) subset: flags - 0 #, width and precision (* too), %s %c %d %u %x %o %p %%, length l ll z h hh.
 */
int snprintf(char *buf, size_t size, const char *fmt, ...) printf_fn(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) printf_fn(3, 0);

#endif
