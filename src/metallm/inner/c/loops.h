/* The loops themselves. Sums are kept in several independent parts, which compilers turn into
   vectors without being allowed to reorder anything: wider vectors then give the same bits. */
#ifndef METALLM_LOOPS_H
#define METALLM_LOOPS_H

#include <stddef.h>

/* Where the C library can choose at load time, the loops are compiled for newer machines too. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(METALLM_NARROW)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* Part of the function that calls it, and so compiled for the same machines. */
#if defined(__GNUC__)
#define PART static inline __attribute__((always_inline))
#else
#define PART static inline
#endif

typedef ptrdiff_t length;

/* a . b */
PART double dot(const double *a, const double *b, length n)
{
    double part[8] = {0};
    length i = 0;
    for (; i + 8 <= n; i += 8)
        for (int lane = 0; lane < 8; lane++)
            part[lane] += a[i + lane] * b[i + lane];
    double rest = 0.0;
    for (; i < n; i++)
        rest += a[i] * b[i];
    return ((part[0] + part[4]) + (part[1] + part[5])) +
           ((part[2] + part[6]) + (part[3] + part[7])) + rest;
}

/* out += sum over rows i of x[i] * rows[i], four rows at a time; a row is `n` long */
PART void add_rows(double *restrict out, const double *restrict x,
                   const double *restrict rows, length count, length n)
{
    length i = 0;
    for (; i + 4 <= count; i += 4) {
        const double *restrict r0 = rows + i * n, *restrict r1 = r0 + n;
        const double *restrict r2 = r1 + n, *restrict r3 = r2 + n;
        const double x0 = x[i], x1 = x[i + 1], x2 = x[i + 2], x3 = x[i + 3];
        for (length j = 0; j < n; j++)
            out[j] += (x0 * r0[j] + x1 * r1[j]) + (x2 * r2[j] + x3 * r3[j]);
    }
    for (; i < count; i++) {
        const double *restrict row = rows + i * n;
        const double xi = x[i];
        for (length j = 0; j < n; j++)
            out[j] += xi * row[j];
    }
}

/* x' P x for a symmetric P of shape (n, n): four rows at a time, left of the diagonal alone */
PART double quadratic(const double *restrict P, const double *restrict x, length n)
{
    double part[4] = {0}, diagonal = 0.0;
    length i = 0;
    for (; i + 4 <= n; i += 4) {
        const double *restrict r0 = P + i * n, *restrict r1 = r0 + n;
        const double *restrict r2 = r1 + n, *restrict r3 = r2 + n;
        const double x0 = x[i], x1 = x[i + 1], x2 = x[i + 2], x3 = x[i + 3];
        for (length j = 0; j < i; j += 4)
            for (int lane = 0; lane < 4; lane++)
                part[lane] += ((x0 * r0[j + lane] + x1 * r1[j + lane]) +
                               (x2 * r2[j + lane] + x3 * r3[j + lane])) *
                              x[j + lane];
        double own = 0.5 * x0 * (r0[i] * x0);
        own += x1 * (r1[i] * x0 + 0.5 * (r1[i + 1] * x1));
        own += x2 * (r2[i] * x0 + r2[i + 1] * x1 + 0.5 * (r2[i + 2] * x2));
        own += x3 * (r3[i] * x0 + r3[i + 1] * x1 + r3[i + 2] * x2 + 0.5 * (r3[i + 3] * x3));
        diagonal += own;
    }
    for (; i < n; i++) {
        const double *row = P + i * n;
        diagonal += x[i] * (dot(row, x, i) + 0.5 * (row[i] * x[i]));
    }
    return 2.0 * (((part[0] + part[2]) + (part[1] + part[3])) + diagonal);
}

/* out = P x for a symmetric P of shape (n, n) of which the lower half counts */
PART void times_lower(double *restrict out, const double *restrict P,
                      const double *restrict x, length n)
{
    length i = 0;
    for (; i + 4 <= n; i += 4) {
        const double *restrict r0 = P + i * n, *restrict r1 = r0 + n;
        const double *restrict r2 = r1 + n, *restrict r3 = r2 + n;
        const double x0 = x[i], x1 = x[i + 1], x2 = x[i + 2], x3 = x[i + 3];
        const double s0 = dot(r0, x, i), s1 = dot(r1, x, i), s2 = dot(r2, x, i);
        const double s3 = dot(r3, x, i);
        for (length j = 0; j < i; j++)
            out[j] += (x0 * r0[j] + x1 * r1[j]) + (x2 * r2[j] + x3 * r3[j]);
        out[i] = s0 + (r0[i] * x0 + r1[i] * x1) + (r2[i] * x2 + r3[i] * x3);
        out[i + 1] = s1 + (r1[i] * x0 + r1[i + 1] * x1) + (r2[i + 1] * x2 + r3[i + 1] * x3);
        out[i + 2] = s2 + (r2[i] * x0 + r2[i + 1] * x1) + (r2[i + 2] * x2 + r3[i + 2] * x3);
        out[i + 3] = s3 + (r3[i] * x0 + r3[i + 1] * x1) + (r3[i + 2] * x2 + r3[i + 3] * x3);
    }
    for (; i < n; i++) {
        const double *restrict row = P + i * n;
        const double own = x[i];
        out[i] = dot(row, x, i) + row[i] * own;
        for (length j = 0; j < i; j++)
            out[j] += own * row[j];
    }
}

/* P -= sign * v v', the lower half alone */
PART void downdate_lower(double *restrict P, const double *restrict v, double sign,
                         length n)
{
    for (length i = 0; i < n; i++) {
        double *restrict row = P + i * n;
        const double own = sign * v[i];
        for (length j = 0; j <= i; j++)
            row[j] -= own * v[j];
    }
}

/* P -= gain * through through', which leaves a symmetric P symmetric to the bit */
PART void downdate(double *restrict P, const double *restrict through, double gain,
                   length n)
{
    for (length i = 0; i < n; i++) {
        double *restrict row = P + i * n;
        const double own = through[i];
        for (length j = 0; j < n; j++)
            row[j] -= (own * through[j]) * gain;
    }
}

#endif
