#include "filename.h"

#include <stdio.h>
#include <string.h>

static bool is_plain(unsigned char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || (c == '.' && !first);
}

bool filename_of(const char *name, char file[NAME_MAX + 1])
{
    size_t used = 0;

    for (const char *c = name; *c != '\0'; c++) {
        bool plain = is_plain((unsigned char)*c, c == name);
        if (used + (plain ? 1 : 3) > NAME_MAX)
            return false;
        if (plain)
            file[used++] = *c;
        else
            used += (size_t)snprintf(file + used, 4, "%%%02X", (unsigned char)*c);
    }
    file[used] = '\0';
    return used > 0;
}

bool filename_read(const char *file, char name[NAME_MAX + 1])
{
    char again[NAME_MAX + 1];
    size_t used = 0;

    for (const char *c = file; *c != '\0'; c++) {
        unsigned octet = (unsigned char)*c;
        if (*c == '%') {
            if (sscanf(c, "%%%2X", &octet) != 1 || octet == 0 || c[1] == '\0' || c[2] == '\0')
                return false;
            c += 2;
        }
        name[used++] = (char)octet;
    }
    name[used] = '\0';
    return filename_of(name, again) && strcmp(again, file) == 0;
}
