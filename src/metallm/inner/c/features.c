/* Features of a text from what was counted of it (embeddings/features.py). */
#include "texts.h"

#include <math.h>

/* As Python's own: of whole numbers below 2^53. */
static double ratio(long long part, long long whole) { return (double)part / (double)whole; }
static double logged(long long count) { return log1p((double)count); }
static double most3(long long count) { return count < 3 ? (double)count : 3.0; }

void features_of(const long long *n, size groups, long long signs, long long all, double *out)
{
    const long long count = n[WORDS] > 1 ? n[WORDS] : 1;
    const double shape[] = {
        logged(all) - 5.5,
        logged(n[WORDS]) - 3.8,
        ratio(n[LETTERS], count) - 4.7,
        log(ratio(count, n[SENTENCES] + 1) + 1.0) - 2.7,
        logged(n[LINES]) - 0.7,
        sqrt(ratio(n[DIGITS], signs)) * 4.0,
        logged(n[NUMBERS]) - 0.5,
        sqrt(ratio(n[UPPERCASE], signs)) * 4.0 - 0.7,
        sqrt(ratio(signs - n[LETTERS] - n[SPACES], signs)) * 3.0 - 0.8,
        logged(n[OPTIONS]) - 0.5,
        most3(n[QUESTIONS]) - 0.7,
        (double)n[ASKS],
        most3(n[EXCLAMATIONS]) * 0.7,
        logged(n[QUOTES]) * 0.8,
        logged(n[CODE]),
        logged(n[FORMULAS]) * 0.7,
        (double)n[BLANKS],
        sqrt(ratio(n[OTHERS], signs)) * 4.0,
        logged(n[MENTIONS]),
        ratio(n[DISTINCT], count) * 3.0 - 2.3,
        sqrt(ratio(n[LONG_WORDS], count)) * 3.0 - 1.0,
        logged(n[COLONS]) - 0.5,
    };
    for (int place = 0; place < FEATURES; place++)
        out[place] = shape[place];
    for (size group = 0; group < groups; group++)
        out[FEATURES + group] = sqrt(ratio(n[COUNTED + group], count)) * 3.0;
}
