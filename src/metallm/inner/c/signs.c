/* Signs of a text, and what is made of them: inner/pure/texts.py tells it by regular expressions,
   here it is looked for by hand, in texts of ASCII. */
#include "texts.h"

#include <string.h>

unsigned char kinds[128];

void start_signs(void)
{
    for (int sign = 0; sign < 128; sign++) {
        int kind = 0;
        if (sign >= 'a' && sign <= 'z')
            kind = LETTER;
        else if (sign >= 'A' && sign <= 'Z')
            kind = LETTER | UPPER;
        else if (sign >= '0' && sign <= '9')
            kind = DIGIT;
        else if (sign == ' ' || (sign >= 9 && sign <= 13) || (sign >= 28 && sign <= 31))
            kind = BLANK;
        else if (sign == '_')
            kind = IN_NAMES;
        if (sign > 0 && strchr(";{<=dcirS#`:(", sign) != NULL)
            kind |= OF_CODE;
        if (sign > 0 && strchr("=+*/<>\\^$", sign) != NULL)
            kind |= OF_FORMULA;
        kinds[sign] = (unsigned char)kind;
    }
}

static int begins(const char *text, size left, const char *what)
{
    const size length = (size)strlen(what);
    return left >= length && memcmp(text, what, (size_t)length) == 0;
}

/* Each of these is given what is left of a text, and says how long a match at its start is. */

static size number_at(const char *text, size left)
{
    size i = 0;
    while (i < left && is(text[i], DIGIT))
        i++;
    while (i > 0 && i + 1 < left && (text[i] == '.' || text[i] == ',') && is(text[i + 1], DIGIT))
        for (i++; i < left && is(text[i], DIGIT); i++)
            ;
    return i;
}

static size code_at(const char *text, size left)
{
    static const char *const words[] = {"def ",  "class ",  "import ", "return ", "#include",
                                        "```",   "=>",      "SELECT ", "::",      "()"};
    if (*text == ';' || *text == '{') {
        size end = 0;
        for (size i = 1; i < left && is(text[i], BLANK); i++)
            if (text[i] == '\n')
                end = i + 1;
        return end;
    }
    if (*text == '<')
        return left > 2 && text[1] == '/' && is(text[2], WORD) ? 3 : 0;
    for (size each = 0; each < (size)(sizeof words / sizeof *words); each++)
        if (*text == words[each][0] && begins(text, left, words[each]))
            return (size)strlen(words[each]);
    return 0;
}

static size formula_at(const char *text, size left)
{
    size i = 1;
    switch (*text) {
    case '=': case '+': case '*': case '/': case '<': case '>':
        return 1;
    case '\\':
        while (i < left && is(text[i], LETTER))
            i++;
        return i > 1 ? i : 0;
    case '^':
        i += left > 1 && text[1] == '{';
        return i < left && is(text[i], DIGIT) ? i + 1 : 0;
    case '$':
        while (i < left && text[i] != '$')
            i++;
        return i > 1 && i < left ? i + 1 : 0;
    default:
        return 0;
    }
}

/* How many matches there are, one after the other, of what begins with a sign of some kind. */
static long long matches(size (*match)(const char *, size), int kind, const char *text,
                         size length)
{
    long long found = 0;
    for (size i = 0; i < length;) {
        const size taken = is(text[i], kind) ? match(text + i, length - i) : 0;
        found += taken > 0;
        i += taken > 0 ? taken : 1;
    }
    return found;
}

/* How many different options a text has, such as "A. ", "(b) " or "1: ". */
static long long options(const char *text, size length)
{
    unsigned char seen[128] = {0};
    long long found = 0;
    for (size i = 0; i < length;) {
        const int inner = is(text[i], BLANK) || text[i] == '(';
        size match = 0;
        for (int front = i == 0 ? 0 : 1; front <= (inner ? 1 : 0) && match == 0; front++) {
            size at = i + front;
            at += at < length && text[at] == '(';
            if (at + 2 < length && ((lower(text[at]) >= 'a' && lower(text[at]) <= 'j') ||
                                    (text[at] >= '1' && text[at] <= '9')) &&
                (text[at + 1] == ')' || text[at + 1] == '.' || text[at + 1] == ':') &&
                is(text[at + 2], BLANK)) {
                found += !seen[(unsigned char)text[at]];
                seen[(unsigned char)text[at]] = 1;
                match = at + 3 - i;
            }
        }
        i += match > 0 ? match : 1;
    }
    return found;
}

static int is_blank_at(const char *text, size left)
{
    static const char *const masks[] = {"[mask]", "<mask>"};
    if (begins(text, left, "__") || begins(text, left, "..."))
        return 1;
    for (int each = 0; each < 2; each++) {
        size i = 0;
        while (i < 6 && i < left && lower(text[i]) == masks[each][i])
            i++;
        if (i == 6)
            return 1;
    }
    return 0;
}

/* Signs that are counted one by one. */
static void count_each(const char *text, size length, long long *out)
{
    for (size i = 0; i < length; i++) {
        const char sign = text[i];
        const size left = length - i;
        switch (sign) {
        case ' ': out[SPACES]++; break;
        case '\n': out[LINES]++; break;
        case '"': out[QUOTES]++; break;
        case '@': case '#': out[MENTIONS]++; break;
        case 'h': out[MENTIONS] += begins(text + i, left, "http"); break;
        case ':': out[COLONS]++; break;
        case '?': out[QUESTIONS]++; break;
        case '!': out[EXCLAMATIONS]++; break;
        case '_': case '.': case '[': case '<': out[BLANKS] |= is_blank_at(text + i, left); break;
        default: out[DIGITS] += is(sign, DIGIT) != 0;
        }
        out[UPPERCASE] += is(sign, UPPER) != 0;
        if (sign == '.' || sign == '!' || sign == '?')
            out[SENTENCES] += left == 1 || is(text[i + 1], BLANK);
    }
}

void count_signs(const char *text, size length, long long *out)
{
    count_each(text, length, out);
    out[NUMBERS] = out[DIGITS] ? matches(number_at, DIGIT, text, length) : 0;
    out[CODE] = matches(code_at, OF_CODE, text, length);
    out[FORMULAS] = matches(formula_at, OF_FORMULA, text, length);
    out[OPTIONS] = options(text, length);
    while (length > 0 && is(text[length - 1], BLANK))
        length--;
    out[ASKS] = length > 0 && text[length - 1] == '?';
}
