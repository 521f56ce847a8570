"""Writes takt_contract.py for MicroPython boards: the numbers, topics and services that the board obeys, the hash."""

from __future__ import annotations

from takt.contract.fingerprint import BOARD_SECTIONS
from takt.contract.python_messages import NOTICE
from takt.contract.rules import fields_by_key
from takt.contract.sections import PLAIN_SECTIONS, Contract, Service, Topic

_TOPIC_NUMBERS = ("max_age_ms", "rate_hz")


def source_text(contract: Contract) -> str:
    lines = [NOTICE, f'CONTRACT_HASH = b"{contract.hash_property}"']
    for name in BOARD_SECTIONS:
        if name in PLAIN_SECTIONS:
            lines += ["", *_section(contract, name)]
    lines += ["", "# what the board needs of the topics' numbers"]
    for name, topic in contract.topics.items():
        lines += [f"TOPICS_{name}_{key}".upper() + f" = {getattr(topic, key)}" for key in _TOPIC_NUMBERS]
    lines += ["", *_numbers("TOPIC", contract.topics), *_numbers("SERVICE", contract.services)]
    lines += ["", "# DDS name, DDS type, board publishes, reliable, depth", "TOPICS = ("]
    lines += [_topic_row(topic) for topic in contract.topics.values()]
    lines += [")", "", "# name, request type, reply type, request topic, reply topic", "SERVICES = ("]
    lines += [_service_row(service) for service in contract.services.values()]
    return "\n".join([*lines, ")"]) + "\n"


def _section(contract: Contract, name: str) -> list[str]:
    section = getattr(contract, name)
    return [
        f"{name}_{key}".upper() + f" = {getattr(section, field.name)!r}"
        for key, field in fields_by_key(PLAIN_SECTIONS[name]).items()
    ]


def _numbers(kind: str, entries: dict[str, Topic] | dict[str, Service]) -> list[str]:
    return [f"{kind}_{name}".upper() + f" = {number}" for number, name in enumerate(entries)]


def _topic_row(topic: Topic) -> str:
    flags = f"{topic.board_publishes}, {topic.reliable}, {topic.depth}"
    return f'    (b"{topic.dds_name}", b"{topic.dds_type}", {flags}),'


def _service_row(service: Service) -> str:
    words = (
        "/" + service.ros_name.lstrip("/"),
        service.request_type,
        service.reply_type,
        service.request_topic,
        service.reply_topic,
    )
    return "    (\n" + "".join(f'        b"{word}",\n' for word in words) + "    ),"
