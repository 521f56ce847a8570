"""Writes takt_contract.h and .c: the numbers that the board obeys, its topics, services, parameters, and the hash."""

from __future__ import annotations

from takt.contract.c_messages import NOTICE
from takt.contract.fingerprint import BOARD_SECTIONS
from takt.contract.parameters import BoardParameter, board_parameters, widest_request_bytes
from takt.contract.rules import fields_by_key
from takt.contract.sections import (
    PARAMETER_CHANGES,
    PARAMETER_SERVICES,
    PLAIN_SECTIONS,
    Contract,
    Parameter,
    Service,
    Topic,
)

_TYPES = """#include <stdbool.h>
#include <stdint.h>

/* One topic of the link. Names as DDS peers see them; `ros_name` is relative to the robot's namespace. */
typedef struct {
    const char *ros_name;
    const char *dds_name;
    const char *dds_type;
    bool board_publishes; /* false: the board subscribes */
    bool reliable;
    uint16_t depth;
    uint16_t rate_hz;
    uint16_t max_cdr_bytes;
    uint32_t max_age_ms;
} takt_topic_t;

/* One service that the board answers. */
typedef struct {
    const char *ros_name; /* absolute, as the service's name is announced */
    const char *request_type;
    const char *reply_type;
    const char *request_topic;
    const char *reply_topic;
} takt_service_t;

/* One parameter: a number of the contract that ROS may change on the running board. */
typedef struct {
    const char *name;    /* the key's path in the contract */
    const char *purpose;
    const char *allowed; /* low and high in words */
    double value;        /* at power-up, unless a store has another */
    double low;
    double high;
    double step; /* grid from low; 0: none */
    bool whole;  /* a ROS integer, else a ROS double */
    uint8_t change;
} takt_parameter_t;
"""


def header_text(contract: Contract) -> str:
    parts = [NOTICE, "#ifndef TAKT_CONTRACT_H\n#define TAKT_CONTRACT_H\n", _TYPES]
    parts.append("/* 8 hex digits a section, as the handshake carries them. Board and host must agree in:")
    parts.append(f" * {', '.join(BOARD_SECTIONS)}. */")
    parts.append(f'#define TAKT_CONTRACT_HASH "{contract.hash_property}"\n')
    parts += [_section(contract, name) for name in BOARD_SECTIONS if name in PLAIN_SECTIONS]
    parts.append(_topic_numbers(contract))
    parts.append(_enum("topic", contract.topics))
    parts.append(_enum("service", contract.services))
    parts.append(_parameter_services())
    parts.append(_changes())
    parts.append(_enum("parameter", {_word(name): entry for name, entry in contract.parameters.items()}))
    parts.append(
        "/* the request that sets all of them at once, with what the link puts before it */\n"
        f"#define TAKT_PARAMETER_REQUEST_BYTES {widest_request_bytes(contract)}u\n"
    )
    parts.append("extern const takt_topic_t takt_topics[TAKT_TOPIC_COUNT];")
    parts.append("extern const takt_service_t takt_services[TAKT_SERVICE_COUNT];")
    parts.append("extern const takt_service_t takt_parameter_services[TAKT_PARAMETER_SERVICE_COUNT];")
    parts.append("extern const takt_parameter_t takt_parameter_table[TAKT_PARAMETER_COUNT];\n\n#endif\n")
    return "\n".join(parts)


def source_text(contract: Contract) -> str:
    topics = "\n".join(_topic_row(name, topic) for name, topic in contract.topics.items())
    services = "\n".join(_service_row(name, service) for name, service in contract.services.items())
    return (
        f'{NOTICE}\n#include "takt_contract.h"\n\n'
        f"const takt_topic_t takt_topics[TAKT_TOPIC_COUNT] = {{\n{topics}\n}};\n\n"
        f"const takt_service_t takt_services[TAKT_SERVICE_COUNT] = {{\n{services}\n}};\n"
    )


def parameters_text(contract: Contract) -> str:
    """The parameters' own file, so that a firmware without them does not carry their names."""
    services = "\n".join(
        f"    {_service_fields(service)}, /* {name} */" for name, service in PARAMETER_SERVICES.items()
    )
    parameters = "\n".join(_parameter_row(parameter) for parameter in board_parameters(contract))
    return (
        f'{NOTICE}\n#include "takt_contract.h"\n\n'
        f"const takt_service_t takt_parameter_services[TAKT_PARAMETER_SERVICE_COUNT] = {{\n{services}\n}};\n\n"
        f"const takt_parameter_t takt_parameter_table[TAKT_PARAMETER_COUNT] = {{\n{parameters}\n}};\n"
    )


def c_number(value: int | float) -> str:
    """C literal: integers plain, reals as float."""
    return f"{value!r}f" if isinstance(value, float) else str(value)


def _section(contract: Contract, name: str) -> str:
    section = getattr(contract, name)
    lines = [f"/* {name} */"]
    for key, field in fields_by_key(PLAIN_SECTIONS[name]).items():
        macro = f"TAKT_{name}_{key}".upper()
        lines.append(f"#define {macro} {c_number(getattr(section, field.name))}")
    return "\n".join(lines) + "\n"


def _topic_numbers(contract: Contract) -> str:
    lines = ["/* topics */"]
    for name, topic in contract.topics.items():
        for key in ("depth", "rate_hz", "max_age_ms", "max_cdr_bytes"):
            macro = f"TAKT_TOPICS_{name}_{key}".upper()
            lines.append(f"#define {macro} {c_number(getattr(topic, key))}")
    return "\n".join(lines) + "\n"


def _parameter_services() -> str:
    """Numbered behind the others: one number space for all that the link asks the board."""
    words = [f"TAKT_SERVICE_{name}".upper() for name in PARAMETER_SERVICES]
    lines = [f"    {words[0]} = TAKT_SERVICE_COUNT,", *(f"    {word}," for word in words[1:])]
    count = f"#define TAKT_PARAMETER_SERVICE_COUNT {len(words)}"
    return "enum { /* services of the parameters */\n" + "\n".join(lines) + f"\n}};\n{count}\n"


def _changes() -> str:
    words = "".join(f"    TAKT_CHANGE_{word.upper()},\n" for word in PARAMETER_CHANGES)
    return f"enum {{ /* when a parameter may change */\n{words}}};\n"


def _enum(kind: str, entries: dict[str, Topic] | dict[str, Service] | dict[str, Parameter]) -> str:
    words = [f"TAKT_{kind}_{name}".upper() for name in entries] + [f"TAKT_{kind}_COUNT".upper()]
    return "enum {\n" + "".join(f"    {word},\n" for word in words) + "};\n"


def _topic_row(name: str, topic: Topic) -> str:
    flags = f"{_bool(topic.board_publishes)}, {_bool(topic.reliable)}"
    numbers = f"{topic.depth}, {topic.rate_hz}, {topic.max_cdr_bytes}, {topic.max_age_ms}"
    texts = f'"{topic.ros_name}", "{topic.dds_name}", "{topic.dds_type}"'
    return f"    [TAKT_TOPIC_{name.upper()}] = {{{texts}, {flags}, {numbers}}},"


def _service_row(name: str, service: Service) -> str:
    return f"    [TAKT_SERVICE_{name.upper()}] = {_service_fields(service)},"


def _service_fields(service: Service) -> str:
    texts = ("/" + service.ros_name.lstrip("/"), service.request_type, service.reply_type)
    words = ", ".join(f'"{text}"' for text in (*texts, service.request_topic, service.reply_topic))
    return f"{{{words}}}"


def _parameter_row(parameter: BoardParameter) -> str:
    texts = ", ".join(f'"{text}"' for text in (parameter.name, parameter.purpose, parameter.allowed))
    numbers = f"{parameter.value!r}, {parameter.low!r}, {parameter.high!r}, {parameter.step!r}"
    rules = f"{_bool(parameter.whole)}, TAKT_CHANGE_{parameter.change.upper()}"
    return f"    [TAKT_PARAMETER_{_word(parameter.name).upper()}] = {{{texts}, {numbers}, {rules}}},"


def _word(parameter_name: str) -> str:
    return parameter_name.replace(".", "_")


def _bool(value: bool) -> str:
    return "true" if value else "false"
