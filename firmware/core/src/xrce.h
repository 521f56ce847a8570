/* DDS-XRCE on the wire: numbers of the protocol, xrce_writer_t to build messages, xrce_u16 and friends to
 * read them. Private to the client. Everything is little endian; padding is zero. */
#ifndef TAKT_XRCE_H
#define TAKT_XRCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XRCE_SESSION            0x81u /* keyless, as the official client has it */
#define XRCE_NO_SESSION         0x80u
#define XRCE_STREAM_NONE        0x00u
#define XRCE_STREAM_BEST_EFFORT 0x01u
#define XRCE_STREAM_RELIABLE    0x80u
#define XRCE_HEADER_BYTES       4u
#define XRCE_SUBMESSAGE_BYTES   4u

enum {
    XRCE_CREATE_CLIENT = 0,
    XRCE_CREATE = 1,
    XRCE_GET_INFO = 2,
    XRCE_STATUS_AGENT = 4,
    XRCE_STATUS = 5,
    XRCE_INFO = 6,
    XRCE_WRITE_DATA = 7,
    XRCE_READ_DATA = 8,
    XRCE_DATA = 9,
    XRCE_ACKNACK = 10,
    XRCE_HEARTBEAT = 11,
    XRCE_FRAGMENT = 13,
    XRCE_TIMESTAMP = 14,
    XRCE_TIMESTAMP_REPLY = 15
};

enum { /* submessage flags */
       XRCE_LITTLE_ENDIAN = 0x01,
       XRCE_LAST_FRAGMENT = 0x02,
       XRCE_REUSE = 0x02,
       XRCE_REPLACE = 0x04
};

enum { /* object kinds */
       XRCE_PARTICIPANT = 1,
       XRCE_TOPIC = 2,
       XRCE_PUBLISHER = 3,
       XRCE_SUBSCRIBER = 4,
       XRCE_WRITER = 5,
       XRCE_READER = 6,
       XRCE_REPLIER = 8
};

#define XRCE_FIRST_REQUEST  10u     /* request ids below have fixed meanings */
#define XRCE_AGENT_OBJECT   0xFFFDu /* object number 0xFFF, kind 13 */
#define XRCE_FAILED         0x80u   /* result status: this and above is an error */
#define XRCE_FORMAT_BINARY  3u      /* representation of a CREATE */
#define XRCE_IDENTITY_BYTES 24u     /* SampleIdentity before a service request and its reply */

typedef struct {
    uint8_t *bytes;
    size_t capacity;
    size_t size; /* bytes written */
    bool ok;     /* false once something did not fit */
} xrce_writer_t;

xrce_writer_t xrce_message(uint8_t *bytes, size_t capacity, uint8_t session, uint8_t stream,
                           uint16_t sequence);

/* Opens a submessage (aligned to 4) and returns its place for xrce_close, which fills in its length. */
size_t xrce_open(xrce_writer_t *writer, uint8_t id, uint8_t flags);
void xrce_close(xrce_writer_t *writer, size_t place);

void xrce_align(xrce_writer_t *writer, size_t alignment); /* from the start of the message */
void xrce_put_u8(xrce_writer_t *writer, unsigned value);
void xrce_put_u16(xrce_writer_t *writer, unsigned value);  /* aligned */
void xrce_put_u32(xrce_writer_t *writer, uint32_t value);  /* aligned */
void xrce_put_pair(xrce_writer_t *writer, unsigned value); /* two bytes, high first, not aligned */
void xrce_put_bytes(xrce_writer_t *writer, const uint8_t *bytes, size_t count);
void xrce_put_string(xrce_writer_t *writer, const char *text); /* aligned length with NUL, bytes, NUL */
void xrce_put_time(xrce_writer_t *writer, uint64_t time_ns);   /* i32 seconds, u32 nanoseconds */

/* Object id as the pair on the wire: 12 bits of number, 4 of kind. */
uint16_t xrce_object(unsigned number, unsigned kind);

uint16_t xrce_u16(const uint8_t *bytes);
uint16_t xrce_pair(const uint8_t *bytes); /* high byte first */
int64_t xrce_time_ns(const uint8_t *bytes);

#endif
