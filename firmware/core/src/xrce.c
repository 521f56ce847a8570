/* Building and reading of DDS-XRCE messages (xrce.h). */
#include "xrce.h"

#include <string.h>

#define NS_PER_S 1000000000

void xrce_put_u8(xrce_writer_t *writer, unsigned value)
{
    if (writer->size >= writer->capacity) {
        writer->ok = false;
        return;
    }
    writer->bytes[writer->size++] = (uint8_t)value;
}

void xrce_align(xrce_writer_t *writer, size_t alignment)
{
    while (writer->ok && writer->size % alignment != 0) {
        xrce_put_u8(writer, 0);
    }
}

void xrce_put_u16(xrce_writer_t *writer, unsigned value)
{
    xrce_align(writer, 2);
    xrce_put_u8(writer, value & 0xFFu);
    xrce_put_u8(writer, value >> 8 & 0xFFu);
}

void xrce_put_u32(xrce_writer_t *writer, uint32_t value)
{
    xrce_align(writer, 4);
    xrce_put_u16(writer, value & 0xFFFFu);
    xrce_put_u16(writer, value >> 16);
}

void xrce_put_pair(xrce_writer_t *writer, unsigned value)
{
    xrce_put_u8(writer, value >> 8 & 0xFFu);
    xrce_put_u8(writer, value & 0xFFu);
}

void xrce_put_bytes(xrce_writer_t *writer, const uint8_t *bytes, size_t count)
{
    if (count > writer->capacity - writer->size) {
        writer->ok = false;
        return;
    }
    memcpy(writer->bytes + writer->size, bytes, count);
    writer->size += count;
}

void xrce_put_string(xrce_writer_t *writer, const char *text)
{
    const size_t count = strlen(text) + 1u;
    xrce_put_u32(writer, (uint32_t)count);
    xrce_put_bytes(writer, (const uint8_t *)text, count);
}

void xrce_put_time(xrce_writer_t *writer, uint64_t time_ns)
{
    xrce_put_u32(writer, (uint32_t)(time_ns / NS_PER_S));
    xrce_put_u32(writer, (uint32_t)(time_ns % NS_PER_S));
}

xrce_writer_t xrce_message(uint8_t *bytes, size_t capacity, uint8_t session, uint8_t stream,
                           uint16_t sequence)
{
    xrce_writer_t writer = {.bytes = bytes, .capacity = capacity, .ok = true};
    xrce_put_u8(&writer, session);
    xrce_put_u8(&writer, stream);
    xrce_put_u16(&writer, sequence);
    return writer;
}

size_t xrce_open(xrce_writer_t *writer, uint8_t id, uint8_t flags)
{
    xrce_align(writer, 4);
    const size_t place = writer->size;
    xrce_put_u8(writer, id);
    xrce_put_u8(writer, flags | XRCE_LITTLE_ENDIAN);
    xrce_put_u16(writer, 0);
    return place;
}

void xrce_close(xrce_writer_t *writer, size_t place)
{
    if (writer->ok) {
        const size_t length = writer->size - place - XRCE_SUBMESSAGE_BYTES;
        writer->bytes[place + 2u] = (uint8_t)length;
        writer->bytes[place + 3u] = (uint8_t)(length >> 8);
    }
}

uint16_t xrce_object(unsigned number, unsigned kind)
{
    return (uint16_t)(number << 4 | kind);
}

uint16_t xrce_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint16_t xrce_pair(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return xrce_u16(bytes) | (uint32_t)xrce_u16(bytes + 2) << 16;
}

int64_t xrce_time_ns(const uint8_t *bytes)
{
    return (int64_t)(int32_t)read_u32(bytes) * NS_PER_S + read_u32(bytes + 4);
}
