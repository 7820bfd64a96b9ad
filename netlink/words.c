/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "words.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

const struct netlink_words words_family =
	NETLINK_WORDS({ AF_UNSPEC, "unspec" }, { AF_INET, "inet" }, { AF_BRIDGE, "bridge" },
		      { AF_INET6, "inet6" }, { AF_PACKET, "link" }, { AF_MPLS, "mpls" },
		      { RTNL_FAMILY_IPMR, "ipmr" }, { RTNL_FAMILY_IP6MR, "ip6mr" });

const struct netlink_words words_table =
	NETLINK_WORDS({ RT_TABLE_UNSPEC, "unspec" }, { RT_TABLE_DEFAULT, "default" },
		      { RT_TABLE_MAIN, "main" }, { RT_TABLE_LOCAL, "local" });

const struct netlink_words words_protocol =
	NETLINK_WORDS({ RTPROT_UNSPEC, "unspec" }, { RTPROT_REDIRECT, "redirect" },
		      { RTPROT_KERNEL, "kernel" }, { RTPROT_BOOT, "boot" },
		      { RTPROT_STATIC, "static" }, { RTPROT_GATED, "gated" }, { RTPROT_RA, "ra" },
		      { RTPROT_MRT, "mrt" }, { RTPROT_ZEBRA, "zebra" }, { RTPROT_BIRD, "bird" },
		      { RTPROT_DNROUTED, "dnrouted" }, { RTPROT_XORP, "xorp" },
		      { RTPROT_NTK, "ntk" }, { RTPROT_DHCP, "dhcp" }, { RTPROT_MROUTED, "mrouted" },
		      { RTPROT_KEEPALIVED, "keepalived" }, { RTPROT_BABEL, "babel" },
		      { RTPROT_OPENR, "openr" }, { RTPROT_BGP, "bgp" }, { RTPROT_ISIS, "isis" },
		      { RTPROT_OSPF, "ospf" }, { RTPROT_RIP, "rip" }, { RTPROT_EIGRP, "eigrp" });

const struct netlink_words words_scope =
	NETLINK_WORDS({ RT_SCOPE_UNIVERSE, "global" }, { RT_SCOPE_SITE, "site" },
		      { RT_SCOPE_LINK, "link" }, { RT_SCOPE_HOST, "host" },
		      { RT_SCOPE_NOWHERE, "nowhere" });

const struct netlink_words words_next_hop =
	NETLINK_BITS({ RTNH_F_DEAD, "dead" }, { RTNH_F_PERVASIVE, "pervasive" },
		     { RTNH_F_ONLINK, "onlink" }, { RTNH_F_OFFLOAD, "offload" },
		     { RTNH_F_LINKDOWN, "linkdown" }, { RTNH_F_UNRESOLVED, "unresolved" },
		     { RTNH_F_TRAP, "trap" }, { RTM_F_NOTIFY, "notify" },
		     { RTM_F_CLONED, "cloned" }, { RTM_F_EQUALIZE, "equalize" },
		     { RTM_F_PREFIX, "prefix" }, { RTM_F_LOOKUP_TABLE, "lookup-table" },
		     { RTM_F_FIB_MATCH, "fib-match" }, { RTM_F_OFFLOAD, "rt-offload" },
		     { RTM_F_TRAP, "rt-trap" }, { RTM_F_OFFLOAD_FAILED, "offload-failed" });
