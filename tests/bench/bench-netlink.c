/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it takes to tell rows, beside the floor: the same dump received and thrown away. All kinds
 * in turn, ROUNDS times; of each a line of JSON with the CPU and wall time of the fastest and of
 * the median round in microseconds, and with the medians' ratio to the floor.
 *
 *     bench-netlink TYPE ROUNDS [FIELD...] [-- COMMAND...]
 *     bench-netlink --routes|--links|--neighbours N TYPE ROUNDS ...
 *     bench-netlink --routes|--links|--neighbours N exec COMMAND...
 *
 * In the network namespace that it is started in, or in one of its own with so many IPv4 routes,
 * links (the ends of veth pairs) or neighbours; what is executed is in there, too. A command that
 * tells the like is one kind more; "sd-netlink", of IPv4 routes, is systemd's library, in here. And
 * so is keeping the dump as it came in a memfd, from a socket that is primed as usher's is: what
 * every answer pays that is right and comes in one. A ratio is that of the same round, and of all
 * rounds the median.
 */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "netlink/encode.h"
#include "netlink/exchange.h"
#include "netlink/query.h"
#include "netlink/request.h"

enum {
	FLOOR_BUFFER = 32768,
	STEP = 200,
	GATEWAYS = 64,
	FILL = 32 * 1024, /* as usher-netlink has it */
	ROUNDS_MAX = 1000,
};

static int checked(int result, const char *what) {
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static int open_socket(void) {
	int fd = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
	int size = 16 << 20;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	return fd;
}

/* ---- a namespace full of routes ---- */

static uint8_t request[65536] __attribute__((aligned(4)));

static void send_request(int fd, struct encoding *encoding) {
	struct nlmsghdr *message = (void *)request;

	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} answer;

	checked(encode_done(encoding), "encode");
	message->nlmsg_flags |= NLM_F_ACK;
	checked((int)send(fd, request, message->nlmsg_len, 0), "send");
	checked((int)recv(fd, &answer, sizeof answer, 0), "recv");
	if (answer.error.error != 0) {
		errno = -answer.error.error;
		err(1, "the kernel");
	}
}

static void raise_link(int fd, const char *name) {
	struct encoding encoding;
	struct ifinfomsg *header;

	encode_start(&encoding, request, sizeof request, RTM_NEWLINK, NLM_F_REQUEST,
		     sizeof *header);
	header = encode_header(&encoding);
	header->ifi_index = checked((int)if_nametoindex(name), name);
	header->ifi_flags = header->ifi_change = IFF_UP;
	send_request(fd, &encoding);
}

static void make_link(int fd, const char *name, const char *other) {
	struct encoding encoding;
	size_t info, data, peer;

	encode_start(&encoding, request, sizeof request, RTM_NEWLINK,
		     NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	encode_put_string(&encoding, IFLA_IFNAME, name);
	info = encode_nest(&encoding, IFLA_LINKINFO);
	encode_put_string(&encoding, IFLA_INFO_KIND, "veth");
	data = encode_nest(&encoding, IFLA_INFO_DATA);
	peer = encode_nest(&encoding, VETH_INFO_PEER);
	(void)encode_append(&encoding, sizeof(struct ifinfomsg));
	encode_put_string(&encoding, IFLA_IFNAME, other);
	encode_nest_end(&encoding, peer);
	encode_nest_end(&encoding, data);
	encode_nest_end(&encoding, info);
	send_request(fd, &encoding);
}

static void make_address(int fd, int index) {
	struct in_addr address = { htonl(0x0affff01) };
	struct encoding encoding;
	struct ifaddrmsg *header;

	encode_start(&encoding, request, sizeof request, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_CREATE,
		     sizeof *header);
	header = encode_header(&encoding);
	header->ifa_family = AF_INET;
	header->ifa_prefixlen = 16;
	header->ifa_index = (unsigned)index;
	encode_put(&encoding, IFA_LOCAL, &address, sizeof address);
	send_request(fd, &encoding);
}

/* Of as many next hops as a real table has, or the kernel would be busy with these. */
static size_t put_route(uint8_t *at, size_t size, unsigned i, int index) {
	struct in_addr to = { htonl(0x14000000 + i) },
		       gateway = { htonl(0x0affff02 + i % GATEWAYS) };
	struct encoding encoding;
	struct rtmsg *header;

	encode_start(&encoding, at, size, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE,
		     sizeof *header);
	header = encode_header(&encoding);
	*header = (struct rtmsg){ .rtm_family = AF_INET,
				  .rtm_dst_len = 32,
				  .rtm_table = RT_TABLE_MAIN,
				  .rtm_protocol = RTPROT_STATIC,
				  .rtm_type = RTN_UNICAST };
	encode_put(&encoding, RTA_DST, &to, sizeof to);
	encode_put(&encoding, RTA_GATEWAY, &gateway, sizeof gateway);
	encode_put_u32(&encoding, RTA_OIF, (uint32_t)index);
	encode_put_u32(&encoding, RTA_PRIORITY, 10 + i % 4);
	checked(encode_done(&encoding), "encode");
	return encoding.size;
}

static size_t put_neighbour(uint8_t *at, size_t size, unsigned i, int index) {
	struct in_addr address = { htonl(0x0aff0000 + i + 2) };
	const uint8_t hardware[6] = {
		2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i
	};
	struct encoding encoding;
	struct ndmsg *header;

	encode_start(&encoding, at, size, RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE,
		     sizeof *header);
	header = encode_header(&encoding);
	*header = (struct ndmsg){ .ndm_family = AF_INET,
				  .ndm_ifindex = index,
				  .ndm_state = NUD_PERMANENT };
	encode_put(&encoding, NDA_DST, &address, sizeof address);
	encode_put(&encoding, NDA_LLADDR, hardware, sizeof hardware);
	checked(encode_done(&encoding), "encode");
	return encoding.size;
}

typedef size_t put_object(uint8_t *at, size_t size, unsigned i, int index);

static void make_objects(int fd, unsigned n, put_object *put) {
	int index = (int)if_nametoindex("one");

	for (unsigned i = 0; i < n;) {
		size_t size = 0;

		for (unsigned j = 0; j < STEP && i < n; j++, i++)
			size += put(request + size, sizeof request - size, i, index);
		checked((int)send(fd, request, size, 0), "send");
	}
}

static void make_links(int fd, unsigned n) {
	char name[16], other[16];

	for (unsigned i = 0; i + 1 < n; i += 2) {
		(void)snprintf(name, sizeof name, "a%u", i);
		(void)snprintf(other, sizeof other, "b%u", i);
		make_link(fd, name, other);
	}
}

/* Whether it is a word for what there are to be so many of. */
static bool make_namespace(const char *word, unsigned n) {
	bool routes = strcmp(word, "--routes") == 0, links = strcmp(word, "--links") == 0;
	int fd = open_socket();

	if (!routes && !links && strcmp(word, "--neighbours") != 0)
		return false;
	checked(unshare(CLONE_NEWNET), "unshare");
	(void)close(fd);
	fd = open_socket();
	make_link(fd, "one", "other");
	raise_link(fd, "other");
	raise_link(fd, "one");
	raise_link(fd, "lo");
	make_address(fd, (int)if_nametoindex("one"));
	if (links)
		make_links(fd, n);
	else
		make_objects(fd, n, routes ? put_route : put_neighbour);
	(void)close(fd);
	return true;
}

/* ---- kinds ---- */

struct times {
	const char *name;
	uint64_t cpu[ROUNDS_MAX], wall[ROUNDS_MAX];
	double ratio_cpu, ratio_wall;
	uint64_t rows, bytes;
};

static const struct netlink_type *type;
static char **fields;
static size_t n_fields;
static char **command; /* NULL: none */

static uint64_t now_cpu(void) {
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct selection *select_fields(void) {
	char *types[] = { (char *)(uintptr_t)type->name };
	struct selection *selection;
	struct refusal refusal;
	int r = selection_new(types, 1, fields, n_fields, NULL, &refusal, &selection);

	if (r != 0)
		errx(1, "%s", r > 0 ? refusal.text : strerror(-r));
	return selection;
}

static int make_memfd(void) {
	return checked(memfd_create("rows", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
}

/* Of which nothing is left that an earlier dump has learned; see exchange.c. */
static struct exchange open_primed(void) {
	struct nlmsghdr nothing = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_NOOP };
	struct exchange exchange;

	checked(exchange_open(&exchange, NETLINK_ROUTE), "exchange_open");
	checked(exchange_do(&exchange, &nothing, NULL, NULL), "exchange_do");
	return exchange;
}

/* The request that usher makes. Each message is looked at no further than it takes to find the
 * last. */
static void receive(struct times *times, bool keep) {
	static uint8_t buffer[FLOOR_BUFFER];
	struct selection *selection = select_fields();
	struct netlink_pass pass = { 0 };
	struct encoding encoding;
	struct exchange primed = keep ? open_primed() : (struct exchange){ .fd = -1 };
	int fd = keep ? primed.fd : open_socket(), kept = keep ? make_memfd() : -1;

	checked(request_build(&encoding, request, sizeof request, selection, type, NULL, &pass),
		"request");
	((struct nlmsghdr *)(void *)request)->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	checked((int)send(fd, request, encoding.size, 0), "send");
	times->rows = times->bytes = 0;
	for (bool over = false; !over;) {
		size_t left = (size_t)checked((int)recv(fd, buffer, sizeof buffer, 0), "recv");

		if (keep)
			checked((int)write(kept, buffer, left), "write");
		times->bytes += left;
		for (const uint8_t *at = buffer; left >= sizeof(struct nlmsghdr);) {
			const struct nlmsghdr *message = (const void *)at;
			size_t size = NLMSG_ALIGN(message->nlmsg_len);

			over = message->nlmsg_type == NLMSG_DONE;
			times->rows += !over;
			at += size;
			left = size < left ? left - size : 0;
		}
	}
	if (keep) {
		exchange_close(&primed);
		(void)close(kept);
	} else
		(void)close(fd);
	selection_free(selection);
}

static void tell(struct times *times, enum block_format format) {
	struct query query = { .consistency = QUERY_ANY, .selection = select_fields() };
	int fd = make_memfd(), r;

	query.block = block_new(format, FILL, block_to_fd, &fd);
	if (!query.block || block_start(query.block) < 0)
		errx(1, "block");
	r = query_run(&query, false);
	if (r < 0)
		errx(1, "%s %s", strerror(-r), query.why ? query.why : "");
	checked(block_end(query.block, query.complete, 0, NULL, NULL), "block_end");
	times->rows = block_rows(query.block);
	times->bytes = block_bytes(query.block);
	block_free(query.block);
	selection_free(query.selection);
	(void)close(fd);
}

/* ---- what systemd's programs use among themselves ---- */

static struct {
	int (*open)(void **ret);
	void *(*unref)(void *netlink);
	int (*new_route)(void *netlink, void **ret, uint16_t type, int family, unsigned char by);
	int (*set_dump)(void *message, int dump);
	int (*call)(void *netlink, void *message, uint64_t usec, void **ret);
	void *(*next)(void *message);
	void *(*message_unref)(void *message);
	int (*read_address)(void *message, unsigned short type, struct in_addr *ret);
	int (*read_number)(void *message, unsigned short type, uint32_t *ret);
} systemd;

static void load_systemd(void) {
	const struct {
		const char *name;
		void *function;
	} names[] = {
		{ "sd_netlink_open", &systemd.open },
		{ "sd_netlink_unref", &systemd.unref },
		{ "sd_rtnl_message_new_route", &systemd.new_route },
		{ "sd_netlink_message_set_request_dump", &systemd.set_dump },
		{ "sd_netlink_call", &systemd.call },
		{ "sd_netlink_message_next", &systemd.next },
		{ "sd_netlink_message_unref", &systemd.message_unref },
		{ "sd_netlink_message_read_in_addr", &systemd.read_address },
		{ "sd_netlink_message_read_u32", &systemd.read_number },
	};

	glob_t found;
	void *library;

	if (glob("/usr/lib/*/systemd/libsystemd-shared-252.so", 0, NULL, &found) != 0)
		errx(1, "there is no libsystemd-shared-252.so");
	library = dlopen(found.gl_pathv[0], RTLD_NOW);
	if (!library)
		errx(1, "%s", dlerror());
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		void *symbol = dlsym(library, names[i].name);

		if (!symbol)
			errx(1, "%s", dlerror());
		memcpy(names[i].function, &symbol, sizeof symbol);
	}
	globfree(&found);
}

static void read_by_systemd(struct times *times) {
	void *netlink, *message, *reply = NULL;
	struct in_addr address;
	uint32_t number;
	int r = systemd.open(&netlink);

	if (r >= 0)
		r = systemd.new_route(netlink, &message, RTM_GETROUTE, AF_INET, 0);
	if (r >= 0)
		r = systemd.set_dump(message, 1);
	if (r >= 0)
		r = systemd.call(netlink, message, 0, &reply);
	if (r < 0)
		errx(1, "sd-netlink: %s", strerror(-r));
	times->rows = 0;
	for (void *row = reply; row; row = systemd.next(row), times->rows++) {
		(void)systemd.read_address(row, RTA_DST, &address);
		(void)systemd.read_address(row, RTA_GATEWAY, &address);
		(void)systemd.read_number(row, RTA_OIF, &number);
	}
	(void)systemd.message_unref(reply);
	(void)systemd.message_unref(message);
	(void)systemd.unref(netlink);
}

/* What it has told goes nowhere. Its time is added to ours. */
static uint64_t run_command(void) {
	struct rusage usage;
	int status, null;
	pid_t pid = checked(fork(), "fork");

	if (pid == 0) {
		null = checked(open("/dev/null", O_WRONLY), "/dev/null");
		(void)dup2(null, STDOUT_FILENO);
		(void)execvp(command[0], command);
		_exit(127);
	}
	checked(wait4(pid, &status, 0, &usage), "wait4");
	if (status != 0)
		errx(1, "%s: status %d", command[0], status);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void run(struct times *times, unsigned round) {
	uint64_t cpu = now_cpu(), wall = measure_now();

	if (strcmp(times->name, "floor") == 0)
		receive(times, false);
	else if (strcmp(times->name, "memfd") == 0)
		receive(times, true);
	else if (strcmp(times->name, "command") == 0 && systemd.open)
		read_by_systemd(times);
	else if (strcmp(times->name, "command") == 0)
		cpu -= run_command();
	else
		tell(times, strcmp(times->name, "json") == 0 ? BLOCK_JSON : BLOCK_RECORDS);
	times->cpu[round] = now_cpu() - cpu;
	times->wall[round] = measure_now() - wall;
}

/* Thousandths of the floor's. */
static void compare_times(uint64_t *times, const uint64_t *floor, unsigned rounds, uint64_t *ret) {
	for (unsigned i = 0; i < rounds; i++)
		ret[i] = times[i] * 1000 / (floor[i] > 0 ? floor[i] : 1);
	qsort(ret, rounds, sizeof *ret, measure_compare);
}

static void compare(struct times *times, const struct times *floor, unsigned rounds) {
	uint64_t ratio[ROUNDS_MAX];

	compare_times(times->cpu, floor->cpu, rounds, ratio);
	times->ratio_cpu = (double)ratio[rounds / 2] / 1000;
	compare_times(times->wall, floor->wall, rounds, ratio);
	times->ratio_wall = (double)ratio[rounds / 2] / 1000;
}

static void print(struct times *times, unsigned rounds) {
	struct rusage usage;

	qsort(times->cpu, rounds, sizeof *times->cpu, measure_compare);
	qsort(times->wall, rounds, sizeof *times->wall, measure_compare);
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("{\"name\": \"netlink-%s-%s\", \"n\": %u, \"rows\": %lu, \"bytes\": %lu, "
	       "\"cpu_min\": %.1f, \"cpu_p50\": %.1f, \"wall_min\": %.1f, \"wall_p50\": %.1f, "
	       "\"ratio_cpu\": %.3f, \"ratio_wall\": %.3f, "
	       "\"peak_kib\": %ld}\n",
	       type->name, times->name, rounds, times->rows, times->bytes,
	       (double)times->cpu[0] / 1000, (double)times->cpu[rounds / 2] / 1000,
	       (double)times->wall[0] / 1000, (double)times->wall[rounds / 2] / 1000,
	       times->ratio_cpu, times->ratio_wall, usage.ru_maxrss);
}

int main(int argc, char **argv) {
	static struct times kinds[] = {
		{ .name = "floor" }, { .name = "memfd" },   { .name = "records" },
		{ .name = "json" },  { .name = "command" },
	};
	unsigned n = sizeof kinds / sizeof *kinds, rounds;

	if (argc > 3 && make_namespace(argv[1], (unsigned)strtoul(argv[2], NULL, 10))) {
		argc -= 2;
		argv += 2;
	}
	if (argc > 2 && strcmp(argv[1], "exec") == 0) {
		(void)execvp(argv[2], argv + 2);
		err(1, "%s", argv[2]);
	}
	type = argc > 2 ? netlink_type_find(argv[1]) : NULL;
	rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (!type || rounds == 0 || rounds > ROUNDS_MAX)
		errx(2, "[--routes|--links|--neighbours N] TYPE ROUNDS [FIELD...] [-- COMMAND...]");
	fields = argv + 3;
	while (fields[n_fields] && strcmp(fields[n_fields], "--") != 0)
		n_fields++;
	command = fields[n_fields] ? fields + n_fields + 1 : NULL;
	if (!command)
		n--;
	else if (strcmp(command[0], "sd-netlink") == 0)
		load_systemd();
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned j = 0; j < n; j++)
			run(&kinds[(i + j) % n], i);
	for (unsigned j = 0; j < n; j++)
		compare(&kinds[j], &kinds[0], rounds);
	for (unsigned j = 0; j < n; j++)
		print(&kinds[j], rounds);
	return 0;
}
