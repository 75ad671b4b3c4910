/*
 * Is the first record of a CSV a header, or a row of data?
 */
#ifndef RSW_HEADER_H
#define RSW_HEADER_H

#include <stddef.h>

/*
 * NULL if the fields can be names of columns, else why not (the caller frees
 * it). They are taken for data if none of them is a name, that is, each is
 * empty or a number, a date, a time, true or false; and if one of them is
 * such a value and others are empty or the same. So numbers beside names
 * (sums by year) make a header, as do names that are missing or the same.
 */
char *header_doubt(char *const *field, size_t n);

#endif
