#include "zoneid.h"

#include <string.h>
#include <strings.h>

/* Every form is a list of parts joined by '-'; a part is letters followed by digits, or digits
 * followed by a letter ("1a"). */
#define PARTS_MAX 8

struct part {
    const char *text; /* in any letter case */
    size_t letters;   /* leading letters */
    size_t digits;    /* digits behind them */
    size_t tail;      /* letters behind those */
    bool odd;         /* anything else */
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void measure(struct part *part, const char *text, size_t length)
{
    size_t i = 0, from;

    for (from = i; i < length && is_letter(text[i]);)
        i++;
    part->letters = i - from;
    for (from = i; i < length && is_digit(text[i]);)
        i++;
    part->digits = i - from;
    for (from = i; i < length && is_letter(text[i]);)
        i++;
    part->tail = i - from;
    part->odd = i < length || length == 0;
    part->text = text;
}

/* The number of parts; 0 if the label cannot be a zone id of anyone. */
static size_t split(const char *label, size_t length, struct part parts[PARTS_MAX])
{
    size_t count = 0, start = 0;

    if (length == 0 || length > ZONEID_MAX)
        return 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && label[i] != '-')
            continue;
        if (count == PARTS_MAX)
            return 0;
        measure(&parts[count++], label + start, i - start);
        start = i + 1;
    }
    return count;
}

static bool begins(const struct part *part, const char *word)
{
    return strlen(word) == part->letters && strncasecmp(part->text, word, part->letters) == 0;
}

static bool has_shape(const struct part *part, size_t letters_least, size_t letters_most,
                      size_t digits_most, size_t tail)
{
    return !part->odd && part->letters >= letters_least && part->letters <= letters_most &&
           part->digits <= digits_most && part->tail == tail;
}

/* use1-az1; local and wavelength zones have parts between: usw2-lax1-az1, use1-wl1-bos-wlz1. */
static bool is_aws(const struct part *parts, size_t count)
{
    const struct part *last = &parts[count - 1];

    if (count < 2 || count > 4 || !has_shape(&parts[0], 2, 6, 2, 0) || parts[0].digits == 0)
        return false;
    for (size_t i = 1; i + 1 < count; i++) {
        if (!has_shape(&parts[i], 2, 5, 2, 0))
            return false;
    }
    return has_shape(last, 2, 3, 2, 0) && last->digits > 0 &&
           (begins(last, "az") || begins(last, "wlz"));
}

/* cn-hangzhou-b, ap-southeast-1a, cn-north-2-gov-1a */
static bool is_alicloud(const struct part *parts, size_t count)
{
    const struct part *last = &parts[count - 1];

    if (count < 3 || !has_shape(&parts[0], 2, 2, 0, 0) ||
        !has_shape(&parts[1], 2, ZONEID_MAX, 0, 0))
        return false;
    for (size_t i = 2; i + 1 < count; i++) {
        if (parts[i].odd || parts[i].tail > 0)
            return false;
    }
    return has_shape(last, 1, 1, 0, 0) || (has_shape(last, 0, 0, 2, 1) && last->digits > 0);
}

/* us-central1-a, northamerica-northeast1-b */
static bool is_gcp(const struct part *parts, size_t count)
{
    return count == 3 && has_shape(&parts[0], 2, ZONEID_MAX, 0, 0) &&
           has_shape(&parts[1], 2, ZONEID_MAX, 2, 0) && parts[1].digits > 0 &&
           has_shape(&parts[2], 1, 1, 0, 0);
}

/* az1: the number is the subscription's own. */
static bool is_azure(const struct part *parts, size_t count)
{
    return count == 1 && has_shape(&parts[0], 2, 2, 1, 0) && parts[0].digits == 1 &&
           begins(&parts[0], "az") && parts[0].text[2] != '0';
}

const char *zoneid_cloud_label(enum cloud cloud)
{
    switch (cloud) {
    case CLOUD_AWS:
        return "aws";
    case CLOUD_ALICLOUD:
        return "alicloud";
    case CLOUD_AZURE:
        return "azure";
    case CLOUD_GCP:
        break;
    }
    return "gcp";
}

bool zoneid_valid(enum cloud cloud, const char *label, size_t length)
{
    struct part parts[PARTS_MAX];
    size_t count = split(label, length, parts);

    if (count == 0)
        return false;
    switch (cloud) {
    case CLOUD_AWS:
        return is_aws(parts, count);
    case CLOUD_ALICLOUD:
        return is_alicloud(parts, count);
    case CLOUD_AZURE:
        return is_azure(parts, count);
    case CLOUD_GCP:
        break;
    }
    return is_gcp(parts, count);
}

/* us-east-1a, us-gov-west-1b; a local zone's name has its city in between: us-west-2-lax-1a. */
bool zoneid_is_aws_name(const char *label, size_t length)
{
    struct part parts[PARTS_MAX];
    size_t count = split(label, length, parts);

    if (count < 3 || !has_shape(&parts[0], 2, 2, 0, 0) || !has_shape(&parts[1], 2, 16, 0, 0))
        return false;
    for (size_t i = 2; i + 1 < count; i++) {
        bool word = has_shape(&parts[i], 2, 16, 0, 0);
        bool number = has_shape(&parts[i], 0, 0, 2, 0);
        if (!word && !number)
            return false;
    }
    return has_shape(&parts[count - 1], 0, 0, 1, 1) && parts[count - 1].digits == 1;
}
