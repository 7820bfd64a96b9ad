# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network namespace with one of everything: links of every kind, addresses, routes, rules, neighbours, next hops,
queueing disciplines, classes, filters and sockets.

What this kernel lacks is left out, and listed in `lacking` with the reason.  Nothing here waits for anything to happen on
a wire, so that what the namespace has does not change by itself.
"""

import json
import os
import select
import subprocess
import sys

MISSING = ("Unknown device type", "kind is unknown", "not supported", "Unknown qdisc", 
           "does not support", "not permitted", "Failed to find TC action", "TC classifier not found", "Unknown filter",
           "No such device or address", "Cannot find specified qdisc", "Failed to load TC action module")
V4, V6 = "inet", "inet6"

# Each line is a program's arguments.  Later ones may need what earlier ones made: what is about something that could not
# be made is passed over, too.  Anything else that fails is an error, but behind a "?".
LINKS = """
ip link set lo up
ip link add v0 numtxqueues 2 mtu 1400 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
ip link add v2 type veth peer name v3
ip link add v4 type veth peer name v5
ip link set v0 up txqueuelen 500 group 7 alias an_alias
ip link set v1 up
ip link set v2 up
ip link set v3 up arp off multicast off
ip link set v4 up allmulticast on promisc on
ip link set v5 addrgenmode none
ip link property add dev v0 altname a-name-that-is-longer-than-sixteen-bytes altname another
ip link set dev v2 protodown on protodown_reason 3 on
ip link set dev v3 gso_max_size 32768 gso_max_segs 100
ip link add br0 type bridge forward_delay 400 hello_time 300 max_age 3000 ageing_time 20000 stp_state 0 priority 4096 \
  group_fwd_mask 8
ip link set br0 type bridge mcast_snooping 1 mcast_router 2 mcast_hash_max 1024 mcast_startup_query_count 3 \
  mcast_query_interval 5000
ip link set br0 type bridge mcast_igmp_version 3 mcast_mld_version 2
ip link set br0 type bridge vlan_filtering 1 vlan_default_pvid 3 vlan_stats_enabled 1
ip link set br0 type bridge nf_call_iptables 1
ip link add br1 type bridge mcast_snooping 0
ip link set v3 master br0
ip link set v5 master br0
bridge link set dev v3 cost 17 priority 5 hairpin on guard on root_block on learning off flood off
bridge link set dev v5 isolated on neigh_suppress on mcast_flood off bcast_flood off fastleave on
ip link set br0 up
ip link add link v0 name v0.10 type vlan id 10 reorder_hdr off gvrp on loose_binding on
ip link add link v0 name v0.20 type vlan id 20 protocol 802.1ad ingress-qos-map 1:2 3:4 egress-qos-map 2:3 4:5
ip link add vx0 type vxlan id 42 local 192.0.2.1 remote 192.0.2.2 dstport 4789 ttl 64 tos 8 ageing 100 noudpcsum
ip link add vx1 type vxlan id 43 group 239.1.1.1 dev v0 dstport 8472 srcport 32768 61000 learning proxy rsc l2miss l3miss
ip link add vx2 type vxlan external dstport 4790
ip link add vx3 type vxlan id 44 local 2001:db8::1 remote 2001:db8::2 dstport 4791 flowlabel 0x12345 udp6zerocsumtx
ip link set vx2 master br0
ip link add mv0 link v0 type macvlan mode private
ip link add mv1 link v0 type macvlan mode source
ip link set dev mv1 type macvlan macaddr add 02:00:00:00:00:77
ip link add mv2 link v1 type macvtap mode bridge
ip link add ifb7 type ifb
ip tuntap add dev tun0 mode tun multi_queue
ip tuntap add dev tap0 mode tap user 0
ip link add du0 type dummy
ip link add bo0 type bond mode active-backup miimon 100 primary_reselect better fail_over_mac active
ip link add bo1 type bond mode 802.3ad lacp_rate fast xmit_hash_policy layer3+4
ip link set du0 master bo0
ip link add gr0 type gre local 192.0.2.1 remote 192.0.2.2 ttl 64 ikey 1 okey 2 csum
ip link add gt0 type gretap local 192.0.2.1 remote 192.0.2.3 key 7
ip link add g60 type ip6gre local 2001:db8::1 remote 2001:db8::2 hoplimit 9
ip link add gt6 type ip6gretap local 2001:db8::1 remote 2001:db8::3
ip link add er0 type erspan local 192.0.2.1 remote 192.0.2.2 seq key 30 erspan_ver 1 erspan 9
ip link add er6 type ip6erspan local 2001:db8::1 remote 2001:db8::2 seq key 31 erspan_ver 2 erspan_dir egress
ip link add ii0 type ipip local 192.0.2.1 remote 192.0.2.2 encap fou encap-sport 5555 encap-dport 5556
ip link add si0 type sit local 192.0.2.1 remote 192.0.2.2 6rd-prefix 2002::/16
ip link add i60 type ip6tnl local 2001:db8::1 remote 2001:db8::2 mode any encaplimit 3
ip link add vt0 type vti local 192.0.2.1 remote 192.0.2.2 key 8
ip link add vt6 type vti6 local 2001:db8::1 remote 2001:db8::2 key 9
ip link add ge0 type geneve id 5 remote 192.0.2.9 dstport 6081 ttl 3
ip link add bu0 type bareudp dstport 6635 ethertype mpls_uc
ip link add iv0 link v4 type ipvlan mode l3
ip link add vr0 type vrf table 77
ip link add nm0 type nlmon
ip link add vc0 type vcan
ip link add wg0 type wireguard
ip link add hs0 type hsr slave1 v4 slave2 v5
ip link add ms0 link v0 type macsec sci 1 encrypt on
ip link add xf0 type xfrm dev v0 if_id 5
ip link add nk0 type netkit
ip link add te0 type team
"""

ADDRESSES = """
ip addr add 192.0.2.1/24 dev v0 brd + label v0:one
ip addr add 192.0.2.100/24 dev v0 brd 192.0.2.255 metric 200
ip addr add 198.51.100.1 peer 198.51.100.2/32 dev v1 scope link
ip addr add 203.0.113.1/25 dev br0 noprefixroute valid_lft 3000000 preferred_lft 2000000
ip addr add 2001:db8:1::1/64 dev v0 nodad home
ip addr add 2001:db8:2::1 peer 2001:db8:2::2/128 dev v1 nodad noprefixroute
ip addr add 2001:db8:3::1/64 dev br0 nodad valid_lft 3000000 preferred_lft 0
ip addr add fd00::5/48 dev lo nodad
ip addr add 10.9.9.9/32 dev lo
"""

NEXTHOPS = """
ip nexthop add id 1 via 192.0.2.10 dev v0
ip nexthop add id 2 via 192.0.2.11 dev v0 onlink proto static
ip nexthop add id 3 blackhole
ip nexthop add id 4 dev v0
ip nexthop add id 5 via 2001:db8:1::10 dev v0
ip -6 nexthop add id 6 dev v0
ip nexthop add id 10 group 1,3/2,5
ip nexthop add id 11 group 1/2
ip nexthop add id 12 group 1/2 type resilient buckets 8 idle_timer 60 unbalanced_timer 300
ip nexthop add id 20 via 192.0.2.20 fdb
ip nexthop add id 21 via 192.0.2.21 fdb
ip nexthop add id 22 group 20/21 fdb
"""

ROUTES = """
ip route add default via 192.0.2.254 dev v0 metric 50
ip route add 10.1.0.0/16 via 192.0.2.3 dev v0 src 192.0.2.100 proto bird metric 7
ip route add 10.2.0.0/16 dev v0 scope link mtu lock 1300 advmss 1200 window 9000 rtt 500ms rttvar 100ms initcwnd 12 initrwnd 13 \
  quickack 1 hoplimit 33 features ecn congctl cubic
ip route add 10.3.0.0/16 nexthop via 192.0.2.4 dev v0 weight 3 nexthop via 192.0.2.5 dev v0 weight 5 onlink
ip route add 10.4.0.0/16 nhid 10
ip route add 10.5.0.0/16 nhid 1 table 1000
ip route add 10.6.0.0/16 via inet6 2001:db8:1::6 dev v0
ip route add 10.7.0.0/16 tos 0x10 via 192.0.2.7 realm 3/4
ip route add blackhole 10.8.0.0/16 metric 9
ip route add unreachable 10.9.0.0/16 table 100
ip route add prohibit 10.10.0.0/16
ip route add throw 10.11.0.0/16 table 100
ip route add local 10.12.0.0/16 dev lo table local
ip route add broadcast 10.13.255.255 dev v0 table local
ip route add multicast 224.9.9.0/24 dev v0
ip route add 10.14.0.0/16 via 192.0.2.8 dev v0 onlink proto static ttl-propagate enabled
ip route add 10.15.0.0/16 encap ip id 9 dst 192.0.2.9 ttl 5 tos 8 via 192.0.2.9 dev v0
ip route add 10.16.0.0/16 encap mpls 100/200 via 192.0.2.9 dev v0
ip -6 route add default via 2001:db8:1::fe dev v0 metric 60 pref high
ip -6 route add 2001:db8:10::/48 via 2001:db8:1::2 dev v0 metric 5 mtu 1300 expires 3000000
ip -6 route add 2001:db8:11::/48 nexthop via 2001:db8:1::3 dev v0 weight 2 nexthop via 2001:db8:1::4 dev v0
ip -6 route add 2001:db8:12::/48 nhid 5
ip -6 route add blackhole 2001:db8:13::/48 dev lo metric 9
ip -6 route add unreachable 2001:db8:14::/48 table 100
ip -6 route add prohibit 2001:db8:15::/48
ip -6 route add 2001:db8:16::/48 from 2001:db8:1::/64 via 2001:db8:1::5 dev v0
ip -6 route add 2001:db8:17::/48 encap seg6 mode encap segs 2001:db8:1::7,2001:db8:1::8 dev v0
ip -6 route add 2001:db8:18::/48 encap ip6 id 5 dst 2001:db8:1::9 hoplimit 7 dev v0
ip -6 route add 2001:db8:19::/48 encap seg6local action End dev v0
"""

RULES = """
ip rule add priority 100 from 10.0.0.0/8 to 192.0.2.0/24 table 100
ip rule add priority 101 iif v0 oif v1 lookup 1000
ip rule add priority 102 fwmark 0x10/0xf0 table 100
ip rule add priority 103 ipproto tcp sport 100-200 dport 443 table 100
ip rule add priority 104 uidrange 0-0 table 100 protocol static
ip rule add priority 105 not from 10.1.0.0/16 tos 0x10 blackhole
ip rule add priority 106 to 10.2.0.0/16 unreachable
ip rule add priority 107 prohibit from 10.3.0.0/16
ip rule add priority 108 goto 200 from 10.4.0.0/16
ip rule add priority 200 table main suppress_prefixlength 0
ip rule add priority 201 table main suppress_ifgroup 7
ip rule add priority 202 iif missing table 100
ip rule add priority 203 l3mdev protocol kernel
ip rule add priority 204 from 10.5.0.0/16 table 100 realms 1/2
ip rule add priority 205 tun_id 5 table 100
ip -6 rule add priority 100 from 2001:db8::/32 table 100
ip -6 rule add priority 101 oif v0 fwmark 7 table 100
ip -6 rule add priority 102 ipproto udp dport 53 nop
"""

NEIGHBOURS = """
ip neigh add 192.0.2.50 lladdr 02:00:00:00:05:01 dev v0 nud permanent
ip neigh add 192.0.2.51 lladdr 02:00:00:00:05:02 dev v0 nud stale protocol static
ip neigh add 192.0.2.52 lladdr 02:00:00:00:05:06 dev v0 nud noarp
ip neigh add 192.0.2.53 lladdr 02:00:00:00:05:03 dev v0 nud reachable router extern_learn
ip neigh add proxy 192.0.2.54 dev v0
ip neigh add 2001:db8:1::50 lladdr 02:00:00:00:05:04 dev v0 nud permanent router
ip neigh add 2001:db8:1::51 lladdr 02:00:00:00:05:05 dev v0 nud permanent managed
ip neigh add proxy 2001:db8:1::54 dev v0
bridge fdb add 02:00:00:00:06:01 dev v3 master static
? bridge fdb add 02:00:00:00:06:0a dev v3 master static vlan 3
bridge fdb add 02:00:00:00:06:02 dev v5 master static sticky
bridge fdb add 02:00:00:00:06:03 dev br0 self permanent
bridge fdb add 02:00:00:00:06:04 dev vx0 dst 192.0.2.77 vni 99 port 4444 via v0
bridge fdb append 02:00:00:00:06:05 dev vx0 dst 192.0.2.78
bridge fdb append 02:00:00:00:06:05 dev vx0 dst 192.0.2.79
bridge fdb add 02:00:00:00:06:06 dev vx2 dst 192.0.2.77 src_vni 100
bridge fdb add 02:00:00:00:06:07 dev vx2 src_vni 100 nhid 22
bridge fdb add 02:00:00:00:06:08 dev v3 self
bridge fdb add 02:00:00:00:06:09 dev v3 master extern_learn dynamic
"""

VLANS = """
bridge vlan add dev v3 vid 10 pvid untagged
bridge vlan add dev v3 vid 20-25
bridge vlan add dev v5 vid 30 untagged
bridge vlan add dev br0 vid 10 self
bridge vlan set dev v3 vid 10 state blocking
bridge link set dev vx2 vlan_tunnel on
bridge vlan add dev vx2 vid 100-102
bridge vlan add dev vx2 vid 100-102 tunnel_info id 1000-1002
"""

TRAFFIC = """
tc qdisc add dev v0 root handle 1: htb default 30 r2q 20
tc class add dev v0 parent 1: classid 1:1 htb rate 10mbit ceil 20mbit burst 15k cburst 16k prio 2 quantum 3000
tc class add dev v0 parent 1:1 classid 1:10 htb rate 5gbit ceil 50gbit overhead 12 mpu 64 linklayer atm
tc class add dev v0 parent 1:1 classid 1:30 htb rate 1mbit
tc qdisc add dev v0 parent 1:10 handle 10: tbf rate 1mbit burst 32kbit latency 400ms peakrate 2mbit mtu 1540
tc qdisc add dev v0 parent 1:30 handle 30: pfifo limit 77
tc qdisc add dev v0 clsact
tc qdisc add dev v1 root handle 7: bfifo limit 100000
tc qdisc add dev v1 handle ffff: ingress
tc qdisc add dev v2 root handle 8: pfifo_fast
tc qdisc add dev v4 root handle 9: mq
tc qdisc add dev ifb7 root handle 2: prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1
tc qdisc replace dev ifb7 root handle 2: fq_codel limit 1000 flows 64 target 3ms interval 90ms ecn
tc qdisc replace dev ifb7 root handle 2: fq limit 500 flow_limit 50 quantum 2000
tc qdisc replace dev ifb7 root handle 2: codel limit 500
tc qdisc replace dev ifb7 root handle 2: sfq limit 100 perturb 10
tc qdisc replace dev ifb7 root handle 2: red limit 100000 min 10000 max 20000 avpkt 1000 burst 20
tc qdisc replace dev ifb7 root handle 2: netem delay 10ms 2ms loss 1%
tc qdisc replace dev ifb7 root handle 2: hfsc default 1
tc qdisc replace dev ifb7 root handle 2: cake bandwidth 10mbit
tc qdisc replace dev ifb7 root handle 2: pie limit 100
tc qdisc replace dev ifb7 root handle 2: ets bands 3
tc qdisc replace dev ifb7 root handle 2: drr
tc qdisc replace dev ifb7 root handle 2: qfq
tc filter add dev v0 parent 1: protocol ip prio 5 u32 match ip dst 10.0.0.0/8 match ip dport 80 0xffff classid 1:10
tc filter add dev v0 parent 1: protocol ip prio 6 handle 2: u32 divisor 4
tc filter add dev v0 parent 1: protocol ipv6 prio 7 u32 match u32 0 0 at 0 flowid 1:30 action mirred egress redirect dev ifb7
tc filter add dev v0 ingress protocol all prio 8 u32 match u32 0 0 action mirred egress mirror dev br1
tc filter add dev v0 egress protocol all prio 9 bpf bytecode 1,6 0 0 4294967295, flowid 1:1
tc filter add dev v1 parent ffff: protocol all prio 10 u32 match u32 0 0 action mirred ingress redirect dev v4
tc filter add dev v0 parent 1: protocol ip prio 11 flower dst_ip 10.1.0.0/16 ip_proto tcp dst_port 22 action drop
tc filter add dev v0 parent 1: protocol all prio 12 matchall action drop
tc filter add dev v0 parent 1: protocol ip prio 13 handle 5 fw classid 1:10
tc filter add dev v0 parent 1: protocol ip prio 14 flow hash keys src,dst divisor 16
tc filter add dev v0 parent 1: protocol ip prio 15 basic action drop
"""

# Run in the namespace: one socket of each kind, until its standard input ends.
SOCKETS = r"""
import os, socket, struct, sys
kept = []
def made(*arguments):
    try:
        one = socket.socket(*arguments)
    except OSError as error:
        print(f"lacking socket{arguments}: {error}", flush=True)
        return None
    kept.append(one)
    return one
def listening(family, address, protocol=0):
    one = made(family, socket.SOCK_STREAM, protocol)
    if one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(5)
    return one
def connected(listener, protocol=0):
    if listener:
        one = made(listener.family, socket.SOCK_STREAM, protocol)
        one.connect(listener.getsockname())
        other, _ = listener.accept()
        kept.append(other)
        one.send(b"x" * 1000)  # which nobody reads
        return one
tcp = listening(socket.AF_INET, ("127.0.0.1", 4001))
connected(tcp)
tcp6 = listening(socket.AF_INET6, ("::1", 4002))
connected(tcp6)
any6 = made(socket.AF_INET6, socket.SOCK_STREAM)
any6.bind(("::", 4003))
any6.listen()
waiting = listening(socket.AF_INET, ("127.0.0.1", 4010))
first = connected(waiting)
first.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
first.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
try:
    first.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x77)
except OSError:
    pass
bound = made(socket.AF_INET, socket.SOCK_STREAM)
bound.bind(("127.0.0.1", 4011))
closing = listening(socket.AF_INET, ("127.0.0.1", 4012))
half = connected(closing)
half.shutdown(socket.SHUT_WR)
mptcp = listening(socket.AF_INET, ("127.0.0.1", 4004), 262)
connected(mptcp, 262)
udp = made(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 4005))
other = made(socket.AF_INET, socket.SOCK_DGRAM)
other.connect(("127.0.0.1", 4005))
other.send(b"unread")
udp6 = made(socket.AF_INET6, socket.SOCK_DGRAM)
udp6.bind(("::1", 4006))
device = made(socket.AF_INET, socket.SOCK_DGRAM)
device.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
device.bind(("0.0.0.0", 4007))
raw = made(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
raw6 = made(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
abstract = made(socket.AF_UNIX, socket.SOCK_STREAM)
abstract.bind("\0usher\0equal")
abstract.listen(3)
client = made(socket.AF_UNIX, socket.SOCK_STREAM)
client.connect("\0usher\0equal")
path = os.path.join(sys.argv[1], "a socket")
named = made(socket.AF_UNIX, socket.SOCK_DGRAM)
named.bind(path)
sender = made(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(path)
sender.send(b"unread")
kept += socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
packet = made(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
if packet:
    packet.bind(("lo", 3))
    packet.setsockopt(263, 1, struct.pack("=iHH8s", socket.if_nametoindex("lo"), 1, 0, b""))  # PACKET_MR_PROMISC
    cooked = made(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x88cc))
route = made(socket.AF_NETLINK, socket.SOCK_RAW, 0)
route.bind((0, 0x11))
route.setsockopt(270, 1, 33)  # NETLINK_ADD_MEMBERSHIP
generic = made(socket.AF_NETLINK, socket.SOCK_RAW, 16)
generic.bind((0, 0))
print("ready", flush=True)
sys.stdin.read()
"""

# Run in the namespace: a connection for netfilter to track, without one packet of it.
CONNECTION = r"""
import socket, struct
def attribute(kind, data, nest=False):
    return struct.pack("=HH", 4 + len(data), kind | (0x8000 if nest else 0)) + data + bytes(-len(data) % 4)
def tuple_of(kind, one, other, sport, dport):
    addresses = attribute(1, attribute(1, socket.inet_aton(one)) + attribute(2, socket.inet_aton(other)), True)
    ports = attribute(1, bytes([17])) + attribute(2, struct.pack(">H", sport)) + attribute(3, struct.pack(">H", dport))
    return attribute(kind, addresses + attribute(2, ports, True), True)
body = struct.pack("=BBH", 2, 0, 0) + tuple_of(1, "192.0.2.1", "192.0.2.2", 1000, 53) + tuple_of(2, "192.0.2.2", "192.0.2.1", 53, 1000)
body += attribute(3, struct.pack(">I", 0xa)) + attribute(7, struct.pack(">I", 6000)) + attribute(8, struct.pack(">I", 7))
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netfilter:
    netfilter.send(struct.pack("=IHHII", 16 + len(body), 0x100, 0x605, 1, 0) + body)
    raise SystemExit(-struct.unpack_from("=i", netfilter.recv(4096), 16)[0])
"""


class Population:
    """The namespace, as long as it is not closed; `pid` is a process in it."""

    def __init__(self, directory):
        self.directory = directory
        self.lacking = []  # (what, why)
        self.others = [self.space()]
        self.pid = self.others[0].pid
        self.sockets = None
        for lines in (LINKS, ADDRESSES, NEXTHOPS, ROUTES, RULES, NEIGHBOURS, VLANS, TRAFFIC):
            for line in lines.replace("\\\n", " ").strip().splitlines():
                self.attempt(line)
        self.elsewhere()
        self.open_sockets()

    def space(self):
        """A process in a network namespace of its own."""
        process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec cat >/dev/null"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        if process.stdout.readline() != "ready\n":
            raise AssertionError("there is no network namespace to be had")
        return process

    def run(self, *arguments, inside=None):
        return subprocess.run(["nsenter", f"--net=/proc/{inside or self.pid}/ns/net", "--", *arguments], capture_output=True,
                              text=True, check=False, env={**os.environ, "LC_ALL": "C"})

    def attempt(self, line):
        """What the kernel lacks is noted; and with it what would have been done to that."""
        optional = line.startswith("? ")
        arguments = line.removeprefix("? ").split()
        if "bytecode" in arguments:  # one word with blanks in it
            at = arguments.index("bytecode")
            end = arguments.index("flowid")
            arguments[at + 1:end] = [" ".join(arguments[at + 1:end])]
        done = self.run(*arguments)
        said = " ".join((done.stderr + done.stdout).split())
        if done.returncode == 0:
            return
        if optional or any(word in said for word in MISSING) or any(name in arguments for name, _ in self.absent()):
            self.lacking.append((arguments, said))
            return
        raise AssertionError(f"{line}: {said}")

    @staticmethod
    def short(arguments):
        """What could not be made, in a word or two."""
        if "type" in arguments:
            return arguments[arguments.index("type") + 1]
        if arguments[0] == "tc":
            kinds = ("u32", "bpf", "flower", "matchall", "fw", "flow", "basic")
            words = [word for word in arguments if word in kinds] or [arguments[arguments.index("handle") + 2]]
            return f"{arguments[1]} {words[0]}"
        return " ".join(arguments[:3] + [word for word in arguments[3:] if word in ("vlan", "mpls", "pvid", "protodown")][:1])

    def absent(self):
        """Names of links that could not be made."""
        for arguments, said in self.lacking:
            if arguments[:3] == ["ip", "link", "add"]:
                at = arguments.index("name") + 1 if "name" in arguments else 3
                yield arguments[at], said

    def elsewhere(self):
        """A link whose other end is in another namespace."""
        other = self.space()
        self.others.append(other)
        for arguments in (["ip", "link", "add", "far", "type", "veth", "peer", "name", "near"],
                          ["ip", "link", "set", "near", "netns", str(other.pid)]):
            done = self.run(*arguments)
            if done.returncode:
                raise AssertionError(f"{arguments}: {done.stderr}")

    def open_sockets(self):
        self.sockets = subprocess.Popen(["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", sys.executable, "-c", SOCKETS,
                                         self.directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while True:
            if not select.select([self.sockets.stdout], [], [], 20)[0]:
                raise AssertionError("the sockets are not opened")
            line = self.sockets.stdout.readline().strip()
            if line == "ready":
                return
            if not line.startswith("lacking "):
                raise AssertionError("the sockets could not be opened")
            self.lacking.append((["socket"], line))

    def ask(self, *arguments):
        """What a program prints as JSON; None if the kernel lacks it."""
        done = self.run(*arguments)
        if done.returncode and any(word in done.stderr for word in MISSING):
            return None
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return json.loads(done.stdout or "[]")

    def say(self, *arguments):
        done = self.run(*arguments)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return done.stdout

    def close(self):
        for process in filter(None, (self.sockets, *self.others)):
            process.stdin.close()
            process.wait()
            process.stdout.close()
