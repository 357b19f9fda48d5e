/* What is counted of a text, and which signs are letters. */
#ifndef METALLM_TEXTS_H
#define METALLM_TEXTS_H

#include "arrays.h"

/* In the order of inner/pure/texts.py. */
enum counted {
    WORDS, LETTERS, DISTINCT, LONG_WORDS, SENTENCES, LINES, DIGITS, NUMBERS, UPPERCASE, SPACES,
    OPTIONS, QUESTIONS, ASKS, EXCLAMATIONS, QUOTES, CODE, FORMULAS, BLANKS, OTHERS, MENTIONS,
    COLONS, COUNTED
};

/* What a sign is, and what may begin with it. */
enum { LETTER = 1, UPPER = 2, DIGIT = 4, BLANK = 8, IN_NAMES = 16, OF_CODE = 32, OF_FORMULA = 64 };

enum { WORD = LETTER | DIGIT | IN_NAMES };

extern unsigned char kinds[128];

static inline int is(char sign, int kind) { return kinds[(unsigned char)sign] & kind; }
static inline char lower(char sign) { return is(sign, UPPER) ? (char)(sign + 32) : sign; }

/* Fill `kinds`, once. */
void start_signs(void);
/* Fill the table of `hashed_ends`, once. */
void start_crcs(void);
/* All but what is counted of words. */
void count_signs(const char *text, size length, long long *out);

/* Features beside those of groups of words. */
enum { FEATURES = 22 };

/* Features of a text of so many signs, more than 0, of which there are `all` in the whole of it. */
void features_of(const long long *counts, size groups, long long signs, long long all, double *out);

#endif
