"""How the robot's processes find each other: DDS profile, domain, range, loopback."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from takt import resources
from takt.doctor.check import Finding, check, fail, ok, skip, unknown, warn
from takt.doctor.machine import Machine

_THEME = "ROS and DDS"
_PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
_RMW = "rmw_fastrtps_cpp"
_RANGES = ("SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")
_FIRST_PORT, _PORTS_A_DOMAIN, _FIRST_UNICAST = 7400, 250, 10  # RTPS 9.6.1.1
_LARGEST_DOMAIN = 232


def _profile(machine: Machine) -> str | None:
    return next(
        (machine.environment[name] for name in _PROFILE_VARIABLES if machine.environment.get(name)), None
    )


def _select() -> str:
    return f"export FASTDDS_DEFAULT_PROFILES_FILE={resources.path('config/fastdds.xml')}"


@check(
    _THEME,
    "With Fast DDS's defaults nodes take seconds to find each other, and pictures over 0.5 MB vanish unnoticed.",
)
def dds_profile(machine: Machine) -> Finding:
    file = _profile(machine)
    if file is None:
        return warn("no profile is selected in this shell (./run and the services select it)", _select())
    text = machine.text(file)
    if text is None:
        return fail(f"{file} cannot be read; Fast DDS says nothing and takes its defaults", _select())
    try:
        tree = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        return fail(f"{file} is no XML ({error}); Fast DDS takes its defaults", _select())
    defaults = [
        node
        for node in tree.iter()
        if node.get("is_default_profile") == "true" and node.tag.endswith("participant")
    ]
    return ok(file) if defaults else warn(f"{file} has no participant with is_default_profile", _select())


@check(_THEME, "Figures, profile and the agent's entities were made and measured with one middleware.")
def rmw(machine: Machine) -> Finding:
    chosen = machine.environment.get("RMW_IMPLEMENTATION", "")
    if chosen in ("", _RMW):
        return ok(chosen or f"not set: {_RMW}, ROS's default")
    return warn(f"{chosen}: the profile does not apply to it", f"export RMW_IMPLEMENTATION={_RMW}")


@check(_THEME, "Ports of a domain that lie among those Linux hands out are taken by whoever comes first.")
def ros_domain(machine: Machine) -> Finding:
    text = machine.environment.get("ROS_DOMAIN_ID", "") or "0"
    if not text.isdecimal() or int(text) > _LARGEST_DOMAIN:
        return fail(
            f"ROS_DOMAIN_ID is {text!r}; 0 to {_LARGEST_DOMAIN} are allowed", "export ROS_DOMAIN_ID=0"
        )
    first = _FIRST_PORT + _PORTS_A_DOMAIN * int(text)
    low, high = (
        int(word)
        for word in (machine.text("/proc/sys/net/ipv4/ip_local_port_range") or "32768 60999").split()
    )
    if first <= high and first + _PORTS_A_DOMAIN > low:
        return warn(
            f"domain {text}: ports from {first} lie within Linux's own {low} to {high}",
            "export ROS_DOMAIN_ID=N with N at most 101",
        )
    others = len(_bound_ports(machine) & {first + _FIRST_UNICAST + 2 * index for index in range(120)})
    return ok(f"domain {text}, {others} participants of it on this computer now")


def _bound_ports(machine: Machine) -> set[int]:
    rows = (machine.text("/proc/net/udp") or "").splitlines()[1:]
    return {int(row.split()[1].split(":")[1], 16) for row in rows if len(row.split()) > 1}


@check(_THEME, "A range or peer list that contradicts the profile makes nodes invisible without an error.")
def discovery_range(machine: Machine) -> Finding:
    around = machine.environment
    chosen = around.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper()
    if chosen == "OFF":
        return fail("OFF: no node finds another", "unset ROS_AUTOMATIC_DISCOVERY_RANGE")
    if chosen and chosen not in _RANGES:
        return fail(
            f"ROS_AUTOMATIC_DISCOVERY_RANGE is {chosen!r}", f"export it as one of: {', '.join(_RANGES)}"
        )
    if around.get("ROS_LOCALHOST_ONLY", "0") == "1":
        return warn("ROS_LOCALHOST_ONLY is deprecated and overrides the range", "unset ROS_LOCALHOST_ONLY")
    peers = around.get("ROS_STATIC_PEERS", "")
    if peers and _loopback_only(machine):
        return warn(
            f"ROS_STATIC_PEERS names {peers}, but the DDS profile lets nothing leave this computer",
            "unset ROS_STATIC_PEERS, or take interfaceWhiteList out of a copy of config/fastdds.xml",
        )
    return ok(
        f"{chosen or 'not set'}"
        + ("; the profile keeps everything on this computer" if _loopback_only(machine) else "")
    )


def _loopback_only(machine: Machine) -> bool:
    text = machine.text(_profile(machine) or "/nowhere") or ""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    allowed = re.findall(r"<address>\s*([\d.]+)\s*</address>", text)
    return (
        "interfaceWhiteList" in text
        and bool(allowed)
        and all(address.startswith("127.") for address in allowed)
    )


@check(
    _THEME, "Nodes announce themselves by multicast on loopback; where it does not arrive none finds another."
)
def loopback_multicast(machine: Machine) -> Finding:
    if machine.multicast_arrives():
        return ok("a datagram to a multicast group comes back over lo")
    return fail(
        "a datagram to a multicast group does not come back over lo",
        "sudo ip link set lo up multicast on && sudo ip route add 239.255.0.0/16 dev lo",
    )


@check(
    _THEME,
    "A shell and the services in different domains, or with different profiles, do not see each other.",
)
def service_environment(machine: Machine) -> Finding:
    text = machine.text("/etc/takt/environment")
    if text is None:
        return skip("no services are installed here")
    rows = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    theirs, ours = (source.get("ROS_DOMAIN_ID", "") or "0" for source in (rows, machine.environment))
    if theirs != ours:
        return warn(f"the services use domain {theirs}, this shell {ours}", f"export ROS_DOMAIN_ID={theirs}")
    file = rows.get("FASTDDS_DEFAULT_PROFILES_FILE", "")
    if not file:
        return warn("the services have no DDS profile", f"{_select()}; sudo -E $(command -v takt) install")
    if not machine.exists(file):
        return fail(
            f"the services' profile {file} is gone", f"{_select()}; sudo -E $(command -v takt) install"
        )
    return ok(f"services and shell share domain {ours}") if machine.environment else unknown("no environment")


CHECKS = (dds_profile, rmw, ros_domain, discovery_range, loopback_multicast, service_environment)
