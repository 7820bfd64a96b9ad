# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ss(8) prints, which has no JSON, as rows of usher's type "socket"."""

import re

STATES = {"ESTAB": "established", "SYN-SENT": "syn-sent", "SYN-RECV": "syn-recv", "FIN-WAIT-1": "fin-wait-1",
          "FIN-WAIT-2": "fin-wait-2", "TIME-WAIT": "time-wait", "UNCONN": "close", "CLOSE-WAIT": "close-wait", "LAST-ACK": "last-ack",
          "LISTEN": "listen", "CLOSING": "closing"}
UNIX = {"u_str": "stream", "u_dgr": "dgram", "u_seq": "seqpacket"}
PACKET = {"p_raw": "raw", "p_dgr": "dgram"}
ETHERTYPES = {3: "all", 0x88CC: "LLDP"}
MEMORY = {"r": "rmem-alloc", "rb": "rcvbuf", "t": "wmem-alloc", "tb": "sndbuf", "f": "fwd-alloc", "w": "wmem-queued", "o": "optmem",
          "bl": "backlog", "d": "drops"}
OPTIONS = {"ts": "timestamps", "sack": "sack", "ecn": "ecn", "ecnseen": "ecn-seen", "fastopen": "syn-data"}
# The name of tcp_info's, and by how much ss divides it.
TCP = {"rto": ("rto", 1000), "ato": ("ato", 1000), "mss": ("snd-mss", 1), "pmtu": ("pmtu", 1), "rcvmss": ("rcv-mss", 1),
       "advmss": ("advmss", 1), "cwnd": ("snd-cwnd", 1), "ssthresh": ("snd-ssthresh", 1), "bytes_sent": ("bytes-sent", 1),
       "bytes_acked": ("bytes-acked", 1), "bytes_received": ("bytes-received", 1), "segs_out": ("segs-out", 1),
       "bytes_retrans": ("bytes-retrans", 1), "segs_in": ("segs-in", 1), "data_segs_out": ("data-segs-out", 1),
       "data_segs_in": ("data-segs-in", 1), "delivered": ("delivered", 1), "rcv_rtt": ("rcv-rtt", 1000), "rcv_space": ("rcv-space", 1),
       "rcv_ssthresh": ("rcv-ssthresh", 1), "minrtt": ("min-rtt", 1000), "snd_wnd": ("snd-wnd", 1), "notsent": ("notsent-bytes", 1),
       "unacked": ("unacked", 1), "lost": ("lost", 1), "sacked": ("sacked", 1), "reordering": ("reordering", 1)}
RATES = {"pacing_rate": "pacing-rate", "delivery_rate": "delivery-rate"}
NETLINK = {"route": 0, "usersock": 2, "firewall": 3, "sock-diag": 4, "nflog": 5, "xfrm": 6, "selinux": 7, "iscsi": 8, "audit": 9,
           "fib-lookup": 10, "connector": 11, "netfilter": 12, "kobject-uevent": 15, "generic": 16, "scsitransport": 18, "ecryptfs": 19,
           "rdma": 20, "crypto": 21, "smc": 22}


def endpoint(text, six):
    """(address, port, interface) of "[::1]:4002", "*:4003", "0.0.0.0%lo:4007"."""
    address, _, port = text.rpartition(":")
    address, _, device = address.partition("%")
    address = address.strip("[]")
    if address in ("*", ""):
        address = "::" if six else "0.0.0.0"
    return address, 0 if port == "*" else int(port), device or None


def memory(text):
    found = re.search(r"skmem:\(([^)]*)\)", text)
    if not found:
        return {}
    return {MEMORY[re.match("[a-z]+", word)[0]]: int(re.search("[0-9]+", word)[0]) for word in found[1].split(",")}


def tcp_information(text):
    """Of what ss calls internal information, all that does not tell how long ago something was."""
    words = text.split()
    found = {"options": sorted({name for word, name in OPTIONS.items() if word in words} | ({"wscale"} if "wscale:" in text else set()))}
    for name, (ours, factor) in TCP.items():
        value = re.search(rf"(?:^| ){name}:([0-9.]+)(?: |$)", text)
        if value:
            found[ours] = round(float(value[1]) * factor)
    scale = re.search(r"wscale:(\d+),(\d+)", text)
    if scale:
        found["snd-wscale"], found["rcv-wscale"] = map(int, scale.groups())
    time = re.search(r" rtt:([0-9.]+)/([0-9.]+)", text)
    if time:
        found["rtt"], found["rttvar"] = (round(float(one) * 1000) for one in time.groups())
    for name, ours in RATES.items():
        rate = re.search(rf" {name} (\d+)bps", text)
        if rate:
            found[ours] = int(rate[1]) // 8
    if "app_limited" in words:
        found["delivery-rate-app-limited"] = True
    return found


def bbr(text):
    found = re.search(r"bbr:\(bw:(\d+)bps,mrtt:([0-9.]+)(?:,pacing_gain:([0-9.]+),cwnd_gain:([0-9.]+))?\)", text)
    if not found:
        return None
    rate, time, *gains = found.groups()
    row = {"bw": int(rate) // 8, "min-rtt": round(float(time) * 1000)}
    if gains[0]:
        row["pacing-gain"], row["cwnd-gain"] = (round(float(gain) * 256) for gain in gains)
    return row


def subflow(text):
    found = re.search(r"tcp-ulp-mptcp(?: flags:(\S*) token:(\w+)\(id:(\d+)\)/(\w+)\(id:(\d+)\) seq:(\w+) sfseq:(\w+) ssnoff:(\w+) "
                      r"maplen:(\w+))?", text)
    if not found:
        return None
    row = {"name": "mptcp"}
    if found[2]:
        remote, remote_id, local, local_id, sequence, subsequence, offset, length = found.groups()[1:]
        row["mptcp"] = {"token-rem": int(remote, 16), "id-rem": int(remote_id), "token-loc": int(local, 16), "id-loc": int(local_id),
                        "map-seq": int(sequence, 16), "map-sfseq": int(subsequence, 16), "ssn-offset": int(offset, 16),
                        "map-datalen": int(length, 16)}
    return row


def internet(words, rest, netid):
    six = words[4].startswith(("[", "*")) or "v6only" in rest
    src, sport, device = endpoint(words[4], six)
    dst, dport, _ = endpoint(words[5], six)
    row = {"family": "inet6" if six else "inet", "protocol": netid, "src": src, "sport": sport, "dst": dst, "dport": dport,
           "rqueue": int(words[2]), "wqueue": int(words[3])}
    if device:
        row["dev"] = device
    for name, ours, base in (("ino", "inode", 10), ("sk", "cookie", 16), ("uid", "uid", 10), ("fwmark", "mark", 16),
                             ("v6only", "v6only", 10), ("tos", "tos", 0), ("tclass", "tclass", 0), ("class_id", "class-id", 0)):
        value = re.search(rf"(?:^| ){name}:(\w+)", rest)
        if value:
            row[ours] = int(value[1], base)
    row.setdefault("uid", 0)
    timer = re.search(r"timer:\((\w+),([^,]*),(\d+)\)", rest)
    if timer:
        row["timer"], row["retransmits"] = timer[1], int(timer[3])
    options = re.search(r"inet-sockopt: \(([^)]*)\)", rest)
    if options:
        row["sockopt"] = sorted(word.replace("_", "-") for word in options[1].split())
    return row


def internet_extras(row, rest, netid):
    information = rest.partition("skmem:")[2].partition(")")[2].strip()
    if netid == "tcp" and information:
        row["tcp-info"] = tcp_information(" " + information)
        row["congestion"] = [word for word in information.split() if word in ("bbr", "cubic", "reno", "dctcp", "vegas")][0]
        for name, value in (("bbr", bbr(information)), ("ulp", subflow(information))):
            if value:
                row[name] = value
    if netid == "mptcp" and information:
        row["mptcp-info"] = {ours: int(value[1], base) for name, ours, base in (
            ("subflows_max", "subflows-max", 10), ("token", "token", 16), ("write_seq", "write-seq", 16), ("snd_una", "snd-una", 16),
            ("rcv_nxt", "rcv-nxt", 16)) if (value := re.search(rf"(?:^| ){name}:(\w+)", information))}


def unix(words, line, netid):
    found = re.match(r"\S+\s+\S+\s+\d+\s+\d+\s+(.*?) (\d+)\s+(\S.*?) (\d+)\s", line)
    name, inode, _, peer = found.groups()
    row = {"family": "unix", "type": UNIX[netid], "inode": int(inode), "rqueue": int(words[2]), "wqueue": int(words[3])}
    if name != "*":
        row["name"] = name
    if int(peer):
        row["peer"] = int(peer)
    file = re.search(r" ino:(\d+) dev:(\d+)/(\d+)", line)
    if file:
        row["vfs"] = {"inode": int(file[1])}
    way = re.search(r" (<->|-->|<--|---)", line)
    row["shutdown"] = {"<->": [], "-->": ["receive"], "<--": ["send"], "---": ["receive", "send"]}[way[1]] if way else []
    return row


def packet(words, rest, netid):
    ethertype, _, device = words[4].rpartition(":")
    row = {"family": "packet", "type": PACKET[netid]}
    if device != "*":
        row["dev"] = device
    if ethertype.startswith("["):
        row["ethertype"] = ETHERTYPES[int(ethertype.strip("[]"))]
    for name, ours, base in (("ino", "inode", 10), ("sk", "cookie", 16), ("ver", "version", 10)):
        row[ours] = int(re.search(rf"(?:^| ){name}:(\w+)", rest)[1], base)
    row["packet-flags"] = re.search(r"flags\(([^)]*)\)", rest)[1].split()
    return row


def netlink(words, rest):
    protocol, _, portid = words[4].rpartition(":")
    row = {"family": "netlink", "netlink-protocol": int(protocol), "portid": 0 if portid == "*" else int(portid) & 0xFFFFFFFF}
    groups = re.search(r"groups=0x(\w+)", rest)
    if groups:
        row["groups-mask"] = int(groups[1], 16)
    return row


def parse(line):
    """One line of ss -OHnaemi --tos --cgroup --inet-sockopt; None if sock_diag has nothing of it."""
    words = line.split()
    netid, rest = words[0], line
    if netid in UNIX:
        row = unix(words, line, netid)
    elif netid in PACKET:
        row = packet(words, rest, netid)
    elif netid == "nl":
        row = netlink(words, rest)
    else:
        row = internet(words, rest, netid)
        internet_extras(row, rest, netid)
    if netid == "raw" and "inode" not in row:
        return None  # from /proc, where the kernel does not tell it by sock_diag
    row["state"] = STATES[words[1]]
    row["skmeminfo"] = memory(line)
    if netid in PACKET:
        del row["state"]  # these have none
    return row

