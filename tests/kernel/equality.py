# SPDX-License-Identifier: LGPL-2.1-or-later
"""What iproute2 says of an object, in the words that usher has for it.

A row of iproute2's JSON becomes what a row of usher's must have at least: each translation here takes what it knows of
a row, and what it leaves must be in usher's row under the same name, with "-" for "_".  So what a later iproute2 says
besides, and what usher lacks, is found.
"""

import json
import math
import re
import struct

NEVER = 0xFFFFFFFF  # a lifetime without end
FLAGS = {"NO-CARRIER", "M-DOWN"}  # made up by ip(8) of others


class Twice(dict):
    """An object of JSON in which a name stands twice: the second one is there as "name#2"."""

    @classmethod
    def of(cls, pairs):
        found = cls()
        for name, value in pairs:
            number = 1
            while (name if number == 1 else f"{name}#{number}") in found:
                number += 1
            found[name if number == 1 else f"{name}#{number}"] = value
        return found


def load(text):
    """What iproute2 prints; of doubled names, which it does print, nothing is lost."""
    return json.loads(text or "[]", object_pairs_hook=Twice.of)


def steady(before, after):
    """What has not changed between two moments."""
    found = {}
    for name, value in before.items():
        if isinstance(value, dict) and isinstance(after.get(name), dict):
            found[name] = steady(value, after[name])
        elif after.get(name) == value:
            found[name] = value
    return found


# ---- how two values are the same

def plain(value):
    """Without how it is written: case, "_" for "-", hexadecimal digits."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        if re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", value):
            return int(value, 0)
        return value.lower().replace("_", "-")
    return value


def same(theirs, ours):
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(name in ours and same(value, ours[name]) for name, value in theirs.items())
    if isinstance(theirs, list):
        if not isinstance(ours, list) or len(theirs) != len(ours):
            return False
        if all(isinstance(one, (str, int)) for one in theirs):
            return sorted(map(str, map(plain, theirs))) == sorted(map(str, map(plain, ours)))
        return all(same(one, other) for one, other in zip(theirs, ours))
    theirs, ours = plain(theirs), plain(ours)
    if theirs is None:  # that it is there is what it says
        return ours not in (None, False, 0)
    if isinstance(theirs, bool):
        return theirs == (ours not in (None, False, 0, "off"))
    if isinstance(theirs, float) or isinstance(ours, float):
        return math.isclose(float(theirs), float(ours), abs_tol=1e-6)
    return theirs == ours


def differences(theirs, ours, where=""):
    """Each value of theirs that is not in ours."""
    for name, value in theirs.items():
        path = f"{where}{name}"
        if name not in ours:
            if value not in ([], False):
                yield f"{path}: {value!r} is missing"
        elif isinstance(value, dict) and isinstance(ours[name], dict):
            yield from differences(value, ours[name], f"{path}.")
        elif not same(value, ours[name]):
            yield f"{path}: {ours[name]!r} is not {value!r}"


def renamed(theirs, names=(), values=()):
    """The same object by our names: what is in `names` by that, all else with "-" for "_"; `values` are changed.  A name
    that becomes None is not compared."""
    names, values = dict(names), dict(values)
    found = {}
    for name, value in theirs.items():
        ours = names.get(name, name.replace("_", "-"))
        if ours is not None:
            found[ours] = values[name](value) if name in values else value
    return found


def hundredths(value):
    """Seconds as the kernel counts them for users."""
    return round(value * 100)


def number(value):
    return int(str(value), 0) if re.fullmatch(r"0x[0-9a-fA-F]+|-?[0-9]+", str(value)) else value


# ---- links

BRIDGE = {  # where ip(8) has other names than the kernel
    "mcast_igmp_version": "mcast-igmp-version", "mcast_mld_version": "mcast-mld-version",
    "no_linklocal_learn": None,  # bits of multi-boolopt
    "mcast_vlan_snooping": None,
    "mcast_querier_intvl": "mcast-querier-intvl",
    "bridge_id": "bridge-id", "root_id": "root-id",
}
BRIDGE_PORT = {"hairpin": "mode", "root_block": "protect", "fastleave": "fast-leave", "flood": "unicast-flood",
               "proxy_arp": "proxyarp", "proxy_arp_wifi": "proxyarp-wifi", "mcast_to_unicast": "mcast-to-ucast",
               "group_fwd_mask_str": None}
TIMERS = ("hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "hold_timer", "message_age_timer",
          "forward_delay_timer")


def bridge_identity(text):
    """ip(8) prints "8000.0:0:0:0:0:0"."""
    priority, _, address = text.partition(".")
    return f"{int(priority, 16):04x}.{':'.join(f'{int(byte, 16):02x}' for byte in address.split(':'))}"


def bridge(data):
    names = {name: None for name in TIMERS}  # which go on
    return renamed(data, {**BRIDGE, **names}, {"bridge_id": bridge_identity, "root_id": bridge_identity})


def bridge_port(data):
    names = {name: None for name in TIMERS}
    return renamed(data, {**BRIDGE_PORT, **names}, {"bridge_id": bridge_identity, "root_id": bridge_identity,
                                                  "id": number, "no": number})


def vxlan(data):
    found = renamed(data, {"remote": "group", "remote6": "group6", "group": "group", "group6": "group6", "link": "link-dev",
                           "external": "collect-metadata", "rsc": "rsc", "port_range": None, "udp_zero_csum6_tx": "udp-zero-csum6-tx",
                           "ttl": "ttl"})
    if "port_range" in data:
        found["port-range"] = data["port_range"]
    return found


def vlan(data):
    found = renamed(data, {"flags": "flags", "ingress_qos": None, "egress_qos": None})
    for name in ("ingress", "egress"):
        if f"{name}_qos" in data:
            found[f"{name}-qos"] = [{"from": one["from"], "to": one["to"]} for one in data[f"{name}_qos"]]
    return found


def macvlan(data):
    return renamed(data, {"bcqueuelen": "bc-queue-len", "usedbcqueuelen": "bc-queue-len-used", "macaddr_count": "macaddr-count",
                          "macaddr_data": "macaddr-data"})


def tun(data):
    return renamed(data, {"user": "owner", "numqueues": "num-queues", "numdisabled": "num-disabled-queues"},
                   {"user": lambda name: 0 if name == "root" else name})


KINDS = {"bridge": bridge, "vxlan": vxlan, "vlan": vlan, "macvlan": macvlan, "macvtap": macvlan, "tun": tun}


def link(theirs):
    found = renamed(theirs, {"link": "link-dev", "link_index": "link", "master": "master-dev", "link_type": "type",
                             "altnames": "alt-names", "linkinfo": None, "flags": None, "vfinfo_list": "vfinfo-list",
                             "inet6_addr_gen_mode": None, "group": None, "addr_info": None, "stats64": None, "stats": None,
                             "promiscuity": "promiscuity"})
    found["flags"] = theirs["flags"]
    found["group"] = 0 if theirs["group"] == "default" else theirs["group"]
    if "inet6_addr_gen_mode" in theirs:
        found["af-spec"] = {"inet6": {"addr-gen-mode": theirs["inet6_addr_gen_mode"]}}
    info = theirs.get("linkinfo", {})
    if info:
        found["linkinfo"] = {"kind": info["info_kind"]} if "info_kind" in info else {}
        if "info_data" in info:
            found["linkinfo"]["data"] = KINDS.get(info["info_kind"], renamed)(info["info_data"])
        if "info_slave_kind" in info:
            found["linkinfo"]["slave-kind"] = info["info_slave_kind"]
            found["linkinfo"]["slave-data"] = bridge_port(info["info_slave_data"])
    return found


def link_flags(theirs, ours):
    """ip(8) leaves "running" to its absence, and adds what is no flag."""
    wanted = {flag.lower().replace("_", "-") for flag in theirs} - {flag.lower() for flag in FLAGS}
    return wanted == set(ours) - {"running"}


# ---- addresses

def address(theirs, dev):
    flags = {"secondary": "secondary", "temporary": "temporary", "nodad": "nodad", "home": "home", "tentative": "tentative",
             "deprecated": "deprecated", "noprefixroute": "noprefixroute", "mngtmpaddr": "managetempaddr", "optimistic": "optimistic",
             "dadfailed": "dadfailed", "autojoin": "mcautojoin", "stable-privacy": "stable-privacy", "dynamic": None}
    found = renamed(theirs, {"valid_life_time": None, "preferred_life_time": None, "metric": "rt-priority", **dict.fromkeys(flags)})
    found["dev"] = dev
    if "address" in theirs:  # the other end
        found["address"] = theirs["address"]
    found["all-flags"] = sorted(filter(None, (ours for name, ours in flags.items() if theirs.get(name))))
    found["lifetimes"] = (theirs.get("valid_life_time"), theirs.get("preferred_life_time"))
    return found


# ---- routes, rules, next hops

def prefix(text, family):
    if text == "default":
        return "::/0" if family == "inet6" else "0.0.0.0/0"
    return text if "/" in text else f"{text}/{128 if family == 'inet6' else 32}"


def hop(theirs):
    found = renamed(theirs, {"via": None, "flags": None})
    if "via" in theirs:
        found["via"] = theirs["via"]["host"]
    if theirs.get("flags"):
        found["flags"] = theirs["flags"]
    return found


def metrics(theirs):
    """`ecn` is a bit of the features; ip(8) divides what the kernel counts in eighths and quarters of milliseconds."""
    found = renamed(theirs, {"congestion": "cc-algo", "ecn": None}, {"rtt": lambda value: value * 8, "rttvar": lambda value: value * 4})
    if "ecn" in theirs:
        found["features"] = ["ecn"]
    return found


ENCAP = {"ip": ("id", "dst#2", "src", "ttl", "tos"), "ip6": ("id", "dst#2", "src", "hoplimit", "tc"), "seg6": ("mode", "segs"),
         "seg6local": ("action",), "mpls": ("dst#2", "ttl#2")}


def route(theirs, family):
    found = renamed(theirs, {"metric": "priority", "metrics": None, "nexthops": None, "nh_info": None, "via": None, "from": None,
                             "flow": None, "nhid": "nh-id", "dst": None, "encap": None, "flags": None, "expires": None,
                             **{name: None for name in ENCAP.get(theirs.get("encap"), ())}})
    found["family"] = family
    found["dst"] = prefix(theirs["dst"], family)
    if "from" in theirs:
        found["src"] = prefix(theirs["from"], family)
    if "via" in theirs:
        found["via"] = theirs["via"]["host"]
    if theirs.get("flags"):
        found["flags"] = theirs["flags"]
    if "metrics" in theirs:
        found["metrics"] = metrics(theirs["metrics"][0])
    if "nexthops" in theirs:
        found["multipath"] = [hop(one) for one in theirs["nexthops"]]
    if "encap" in theirs:
        found["encap-type"] = theirs["encap"]
        found["encap"] = {name.removesuffix("#2").replace("_", "-"): theirs[name] for name in ENCAP.get(theirs["encap"], ())
                          if name in theirs}
    if found.get("priority") == 0:
        del found["priority"]
    if "tos" in found:
        found["tos"] = number(found["tos"])
    if "flow" in theirs:
        found["flow"] = int(theirs["flow"]["from"]) << 16 | int(theirs["flow"]["to"])
    return found


def rule(theirs, family):
    found = renamed(theirs, {"src": None, "srclen": None, "dst": None, "dstlen": None, "sport_start": None, "sport_end": None,
                             "dport_start": None, "dport_end": None, "sport": None, "dport": None, "uid_start": None, "uid_end": None,
                             "suppress_prefixlen": "suppress-prefixlen", "suppress_ifgroup": "suppress-ifgroup", "not": None,
                             "iif_detached": None, "oif_detached": None, "nop": None, "flow_from": None, "flow_to": None})
    found["family"] = family
    for name in ("src", "dst"):
        if theirs.get(name, "all") != "all":
            found[name] = f"{theirs[name]}/{theirs[f'{name}len']}" if f"{name}len" in theirs else prefix(theirs[name], family)
    for name in ("sport", "dport"):
        if name in theirs:
            found[name] = {"start": theirs[name], "end": theirs[name]}
        elif f"{name}_start" in theirs:
            found[name] = {"start": theirs[f"{name}_start"], "end": theirs[f"{name}_end"]}
    if "uid_start" in theirs:
        found["uid-range"] = {"start": theirs["uid_start"], "end": theirs["uid_end"]}
    found["all-flags"] = ["invert"] if "not" in theirs else []
    if "nop" in theirs:
        found["action"] = "nop"
    return found


def nexthop(theirs):
    found = renamed(theirs, {"flags": None, "group": None, "resilient_args": None, "type": "group-type"})
    if theirs.get("flags"):
        found["flags"] = theirs["flags"]
    if "group" in theirs:
        found["group"] = [{"id": one["id"], "weight": one.get("weight", 1)} for one in theirs["group"]]
    if "resilient_args" in theirs:
        found["res-group"] = renamed(theirs["resilient_args"], {"unbalanced_time": None},
                                     {"idle_timer": hundredths, "unbalanced_timer": hundredths})
    return found


# ---- neighbours

NEIGHBOUR_FLAGS = {"extern_learn": "ext-learned", "offload": "offloaded"}


def neighbour(theirs):
    flags = ("router", "extern_learn", "proxy", "managed", "use", "offload")
    found = renamed(theirs, dict.fromkeys(flags))
    found["all-flags"] = sorted(NEIGHBOUR_FLAGS.get(name, name) for name in flags if name in theirs)
    return found


def fdb(theirs):
    found = renamed(theirs, {"mac": "lladdr", "ifname": "dev", "viaIf": "via-dev", "master": "master-dev", "state": "is", "flags": None,
                             "nhid": "nh-id", "src_vni": "src-vni"})
    found["all-flags"] = sorted(NEIGHBOUR_FLAGS.get(name, name) for name in theirs["flags"])
    return found


def fdb_state(states):
    """The one that bridge(8) prints of several."""
    for state, word in (("permanent", "permanent"), ("noarp", "static"), ("stale", "stale"), ("reachable", "")):
        if state in states:
            return word
    return states


# ---- traffic

def size(text):
    """ "4Kb/1" as tc(8) prints sizes, with the size of a cell behind it, which the kernel does not use any more."""
    count, unit = re.match(r"([0-9.]+)(Kb|Mb|b)", str(text)).groups()
    return round(float(count) * {"b": 1, "Kb": 1024, "Mb": 1024 * 1024}[unit])


def rate(text):
    """Bytes a second of "5Gbit"."""
    count, unit = re.match(r"([0-9.]+)([KMG]?)bit", text).groups()
    return round(float(count) * {"": 1, "K": 1e3, "M": 1e6, "G": 1e9}[unit] / 8)


def version(text):
    """Of htb, the higher half and the lower one."""
    high, low = text.split(".")
    return int(high) << 16 | int(low)


def discipline(kind, options):
    if kind == "htb":
        return renamed(options, {"r2q": "rate2quantum", "default": "defcls", "direct_packets_stat": "direct-pkts", "ver": "version"},
                       {"default": lambda text: int(text, 16), "ver": version})
    if kind == "tbf":
        return renamed(options, {"lat": "latency"}, {"burst": size, "mtu": size})
    return renamed(options, {"multiqueue": None})


def qdisc(theirs):
    found = renamed(theirs, {"root": None, "options": None})
    if theirs.get("root"):
        found["parent"] = "root"
    if theirs.get("options"):
        found["options"] = discipline(theirs["kind"], theirs["options"])
    return found


def action(theirs):
    found = {"order": theirs["order"], "kind": theirs["kind"]}
    if theirs["kind"] == "mirred":
        found["options"] = {"eaction": f"{theirs['direction']}-{theirs['mirred_action']}", "dev": theirs["to_dev"],
                            "action": theirs["control_action"]["type"], "index": theirs["index"], "refcnt": theirs["ref"],
                            "bindcnt": theirs["bind"]}
    return found


def classifier(kind, theirs):
    options = renamed(theirs, {"flowid": "classid", "ht_divisor": "divisor", "not_in_hw": None, "actions": None, "fh": None, "order": None,
                               "key_ht": None, "bkt": None, "handle": None, "bytecode": None,
                               **{name: None for name in theirs if name.startswith("match")}})
    keys = [theirs[name] for name in theirs if name.startswith("match")]
    if keys:
        options["sel"] = {"keys": [{"val": int(key["value"], 16), "mask": int(key["mask"], 16), "off": key["off"]} for key in keys]}
    if "not_in_hw" in theirs:
        options["flags-gen" if kind == "bpf" else "flags"] = ["not-in-hw"]
    if "actions" in theirs:
        options["actions"] = [action(one) for one in theirs["actions"]]
    if "bytecode" in theirs:
        options["ops-len"] = theirs["bytecode"]["length"]
        options["ops"] = b"".join(struct.pack("=HBBI", one["code"], one["jt"], one["jf"], one["k"])
                                  for one in theirs["bytecode"]["insns"]).hex()
    return options


def classify(theirs, dev, parent):
    """A filter of an interface; tc(8) tells of its parent only where it was not asked for it."""
    found = renamed(theirs, {"pref": "priority", "options": None})
    found.setdefault("parent", parent)
    found["dev"] = dev
    options = theirs.get("options", {})
    if options:
        handle = options.get("fh", options.get("handle"))
        if handle:
            found["handle"] = handle
        found["options"] = classifier(theirs["kind"], options)
    return found


def traffic_class(line):
    """A line of `tc -d class`, which has no JSON of its own in this version."""
    words = line.split()
    found = {"kind": words[1], "handle": words[2]}
    rest = dict(zip(words[3:], words[4:]))
    found["parent"] = "root" if "root" in words else rest["parent"]
    if "leaf" in rest:
        found["leaf"] = rest["leaf"]
    if words[1] == "htb":
        options = {"rate": rate(rest["rate"]), "ceil": rate(rest["ceil"]), "mpu": size(rest["mpu"]), "level": int(rest["level"]),
                   "linklayer": rest["linklayer"]}
        if "prio" in rest:
            options.update(prio=int(rest["prio"]), quantum=int(rest["quantum"]))
        if "overhead" in rest:
            options["overhead"] = int(rest["overhead"])
        found["options"] = options
        found["bursts"] = {"burst": (size(rest["burst"]), options["rate"]), "cburst": (size(rest["cburst"]), options["ceil"])}
    return found
