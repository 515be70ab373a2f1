#include "fake_message.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

static void put(struct fake_message *m, const void *bytes, size_t size)
{
    assert(m->size + size <= sizeof m->bytes);
    if (size > 0)
        memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put16(struct fake_message *m, unsigned value)
{
    put(m, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put32(struct fake_message *m, uint32_t value)
{
    put16(m, value >> 16);
    put16(m, value & 0xffff);
}

static void put_name(struct fake_message *m, const char *name)
{
    uint8_t wire[256];

    put(m, wire, fake_message_name(wire, name));
}

static void add16(uint8_t *at, unsigned more)
{
    unsigned value = (unsigned)(at[0] << 8 | at[1]) + more;

    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

size_t fake_message_name(uint8_t *out, const char *name)
{
    size_t size = 0;

    while (*name != '\0' && strcmp(name, ".") != 0) {
        const char *dot = strchr(name, '.');
        size_t length = dot != NULL ? (size_t)(dot - name) : strlen(name);

        assert(length >= 1 && length <= 63 && size + length + 2 <= 255);
        out[size++] = (uint8_t)length;
        memcpy(out + size, name, length);
        size += length;
        name += length + (dot != NULL);
    }
    out[size++] = 0;
    return size;
}

void fake_message_query(struct fake_message *m, uint16_t id, uint16_t flags, const char *name,
                        uint16_t type)
{
    m->size = 0;
    put16(m, id);
    put16(m, flags);
    put(m, (uint8_t[]){0, 1, 0, 0, 0, 0, 0, 0}, 8);
    put_name(m, name);
    put16(m, type);
    put16(m, 1);
}

void fake_message_opt(struct fake_message *m, uint16_t udp_size, uint32_t ttl)
{
    put(m, "", 1);
    put16(m, FAKE_TYPE_OPT);
    put16(m, udp_size);
    put32(m, ttl);
    put16(m, 0);
    add16(m->bytes + 10, 1);
}

void fake_message_reply(struct fake_message *m, const uint8_t *query, size_t size, unsigned rcode)
{
    size_t end = 12;

    assert(size >= 17);
    while (query[end] != 0)
        end += 1u + query[end];
    end += 5;
    assert(end <= size);
    m->size = 0;
    put(m, query, end);
    m->bytes[2] = (uint8_t)(0x80 | (query[2] & 0x79));
    m->bytes[3] = (uint8_t)(0x80 | (query[3] & 0x10) | (rcode & 15));
    memset(m->bytes + 6, 0, 6);
}

void fake_message_flag(struct fake_message *m, uint16_t flags)
{
    m->bytes[2] |= (uint8_t)(flags >> 8);
    m->bytes[3] |= (uint8_t)flags;
}

void fake_message_record(struct fake_message *m, enum fake_section section, const char *owner,
                         uint16_t type, uint32_t ttl, const void *rdata, size_t size)
{
    put_name(m, owner);
    put16(m, type);
    put16(m, 1);
    put32(m, ttl);
    put16(m, (unsigned)size);
    put(m, rdata, size);
    add16(m->bytes + 6 + 2 * (size_t)section, 1);
}

void fake_message_a(struct fake_message *m, const char *owner, uint32_t ttl, const char *address)
{
    struct in_addr a;

    assert(inet_pton(AF_INET, address, &a) == 1);
    fake_message_record(m, FAKE_ANSWER, owner, FAKE_TYPE_A, ttl, &a, sizeof a);
}

void fake_message_aaaa(struct fake_message *m, const char *owner, uint32_t ttl, const char *address)
{
    struct in6_addr a;

    assert(inet_pton(AF_INET6, address, &a) == 1);
    fake_message_record(m, FAKE_ANSWER, owner, FAKE_TYPE_AAAA, ttl, &a, sizeof a);
}

void fake_message_cname(struct fake_message *m, const char *owner, uint32_t ttl, const char *target)
{
    uint8_t wire[256];

    fake_message_record(m, FAKE_ANSWER, owner, FAKE_TYPE_CNAME, ttl, wire,
                        fake_message_name(wire, target));
}

void fake_message_soa(struct fake_message *m, const char *owner, uint32_t ttl, uint32_t minimum)
{
    struct fake_message data = {0};

    put_name(&data, "ns.example");
    put_name(&data, "host.example");
    put32(&data, 1);
    put32(&data, 3600);
    put32(&data, 600);
    put32(&data, 86400);
    put32(&data, minimum);
    fake_message_record(m, FAKE_AUTHORITY, owner, FAKE_TYPE_SOA, ttl, data.bytes, data.size);
}
