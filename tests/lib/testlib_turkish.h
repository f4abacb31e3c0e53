/* testlib_turkish: a locale in which the small letter of I is no i, made for a test, whatever locales the machine has. */
#ifndef TESTLIB_TURKISH_H
#define TESTLIB_TURKISH_H

/* It is in force from here on: made by localedef(1) in the folder dir, if it is not there yet; the test fails when it can't be. */
void turkish_begin(const char *dir);
/* As it was before. */
void turkish_end(void);

#endif
