/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libusher asks of org.usher1.Netlink, and what it makes of the answers; values by name. */

#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "answering.h"
#include "usher-netlink-records.h"
#include "values.h"

/* ---- values by name ---- */

static struct usher_values *new_values(void) {
	struct usher_values *values;

	assert_int_equal(usher_values_new(&values), 0);
	return values;
}

static void a_value_is_what_it_was_set_to(void **state) {
	_cleanup_values_ struct usher_values *values = new_values();
	const char *string;
	const void *bytes;
	uint64_t number;
	int64_t less;
	size_t length;
	bool flag;

	assert_int_equal(usher_values_set_number(values, "mtu", 1500), 0);
	assert_int_equal(usher_values_set_signed(values, "nsid", -1), 0);
	assert_int_equal(usher_values_set_flag(values, "up", true), 0);
	assert_int_equal(usher_values_set_string(values, "ifname", "eth\n"), 0);
	assert_int_equal(usher_values_set_bytes(values, "raw", "\0\xff", 2), 0);
	assert_int_equal(usher_values_set_number(values, "mtu", 9000), 0);
	assert_int_equal(usher_values_count(values), 5);
	assert_string_equal(usher_values_name(values, 0), "mtu");
	assert_null(usher_values_name(values, 5));
	assert_int_equal(usher_values_get_number(values, "mtu", &number), 0);
	assert_int_equal(number, 9000);
	assert_int_equal(usher_values_get_signed(values, "nsid", &less), 0);
	assert_int_equal(less, -1);
	assert_int_equal(usher_values_get_flag(values, "up", &flag), 0);
	assert_true(flag);
	assert_int_equal(usher_values_get_string(values, "ifname", &string), 0);
	assert_string_equal(string, "eth\n");
	assert_int_equal(usher_values_get_bytes(values, "raw", &bytes, &length), 0);
	assert_int_equal(length, 2);
	assert_memory_equal(bytes, "\0\xff", 2);
}

static void a_value_of_another_type_is_none(void **state) {
	_cleanup_values_ struct usher_values *values = new_values();
	const struct usher_values *inside;
	const char *string;
	uint64_t number;
	int64_t less;

	usher_values_set_signed(values, "less", -1);
	usher_values_set_number(values, "large", UINT64_MAX);
	usher_values_set_string(values, "text", "1");
	assert_int_equal(usher_values_get_number(values, "less", &number), -ERANGE);
	assert_int_equal(usher_values_get_signed(values, "large", &less), -ERANGE);
	assert_int_equal(usher_values_get_number(values, "text", &number), -EINVAL);
	assert_int_equal(usher_values_get_string(values, "less", &string), -EINVAL);
	assert_int_equal(usher_values_get_string(values, "none", &string), -ENOENT);
	assert_int_equal(usher_values_get_string(values, "text.more", &string), -ENOENT);
	assert_int_equal(usher_values_get_values(values, "text", &inside), -EINVAL);
	assert_int_equal(usher_values_get_type(values, "none"), USHER_VALUES_NONE);
}

static void names_lead_into_rows_and_lists(void **state) {
	_cleanup_values_ struct usher_values *values = new_values();
	const struct usher_values *inside;
	const char *string;

	assert_int_equal(usher_values_set_string(values, "linkinfo.kind", "vlan"), 0);
	assert_int_equal(usher_values_set_number(values, "linkinfo.data.id", 7), 0);
	assert_int_equal(usher_values_set_string(values, "multipath.0.dev", "a"), 0);
	assert_int_equal(usher_values_set_string(values, "multipath.1.dev", "b"), 0);
	assert_int_equal(usher_values_get_type(values, "linkinfo"), USHER_VALUES_ROW);
	assert_int_equal(usher_values_get_type(values, "multipath"), USHER_VALUES_LIST);
	assert_int_equal(usher_values_get_string(values, "multipath.1.dev", &string), 0);
	assert_string_equal(string, "b");
	assert_int_equal(usher_values_get_values(values, "multipath", &inside), 0);
	assert_int_equal(usher_values_count(inside), 2);
	assert_string_equal(usher_values_name(inside, 1), "");
}

static void a_name_that_leads_nowhere_is_refused_and_that_sticks(void **state) {
	static const char *const wrong[] = { "",          "a.",
					     ".a",        "a..b",
					     "text.more", "list.2",
					     "list.x",    "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q" };

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		_cleanup_values_ struct usher_values *values = new_values();

		assert_int_equal(usher_values_set_string(values, "text", "x"), 0);
		assert_int_equal(usher_values_set_words(values, "list", LIST("x")), 0);
		assert_int_equal(usher_values_set_number(values, wrong[i], 1), -EINVAL);
		assert_int_equal(usher_values_set_number(values, "good", 1), -EINVAL);
		assert_int_equal(usher_netlink_change(stage.usher, "add", "link", values, NULL,
						      NULL, NULL),
				 -EINVAL);
		assert_null(stage.heard);
	}
}

static void values_are_text(void **state) {
	_cleanup_values_ struct usher_values *values = new_values();

	static const struct {
		const char *name, *text;
	} wanted[] = { { "n", "18446744073709551615" },
		       { "x", "-5" },
		       { "b", "false" },
		       { "s", "a\\x0a" },
		       { "y", "00ff" },
		       { "l", "up,lower-up" } };

	usher_values_set_number(values, "n", UINT64_MAX);
	usher_values_set_signed(values, "x", -5);
	usher_values_set_flag(values, "b", false);
	usher_values_set_string(values, "s", "a\n");
	usher_values_set_bytes(values, "y", "\0\xff", 2);
	usher_values_set_words(values, "l", LIST("up", "lower-up"));
	usher_values_set_string(values, "row.in", "x");
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		_cleanup_free_ char *text = usher_values_to_string(values, wanted[i].name);

		assert_string_equal(text, wanted[i].text);
	}
	assert_null(usher_values_to_string(values, "row"));
	assert_null(usher_values_to_string(values, "none"));
}

/* ---- questions ---- */

static int answer_rows(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "aa{sv}a{sv}", 2, 5, "ifname", "s", "a\\x0ab",
					  "mtu", "u", 1500, "nsid", "i", -1, "flags", "as", 2, "up",
					  "x", "linkinfo", "a{sv}", 1, "kind", "s", "vlan", 2,
					  "multipath", "aa{sv}", 2, 1, "dev", "s", "x", 0, "raw",
					  "ay", 2, 1, 255, 5, "rows", "t", UINT64_C(2), "complete",
					  "b", 1, "interrupted", "s", "", "kernel_filters", "as", 1,
					  "table", "later", "d", 1.5);
}

static int answer_incomplete(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "aa{sv}a{sv}", 0, 2, "complete", "b", 0,
					  "interrupted", "s", "something changed");
}

static void a_filter_and_its_keys_are_one_dictionary(void **state) {
	struct usher_netlink_options keys = USHER_NETLINK_OPTIONS_INIT;
	struct usher_options options = USHER_OPTIONS_INIT;
	_cleanup_values_ struct usher_values *filter = new_values();
	struct usher_values **rows = NULL;

	stage.answer = answer_rows;
	usher_values_set_number(filter, "table", 100);
	usher_values_set_string(filter, "linkinfo.kind", "vlan");
	usher_values_set_words(filter, "dev", LIST("a", "b"));
	keys.filter = filter;
	keys.limit = 5;
	keys.in_name = "blue";
	keys.consistency = "retry";
	options.deadline_usec = 7;
	assert_int_equal(usher_netlink_query(stage.usher, "route", LIST("dst", "oif"), &keys,
					     &options, &rows, NULL),
			 2);
	usher_values_free_all(rows);
	assert_heard(
		"/org/usher1 Netlink.Query s'route' [s'dst' s'oif'] [(s'in' <s'blue'>) "
		"(s'limit' <t5>) (s'consistency' <s'retry'>) (s'table' <t100>) "
		"(s'linkinfo.kind' <s'vlan'>) (s'dev' <[s'a' s'b']>) (s'deadline_usec' <t7>)]");
	options.in_object = "/org/usher1/namespace/1";
	assert_int_equal(usher_netlink_query(stage.usher, "route", NULL, &keys, &options, &rows,
					     NULL),
			 -EINVAL);
	keys.size--;
	assert_int_equal(usher_netlink_query(stage.usher, "route", NULL, &keys, NULL, &rows, NULL),
			 -EINVAL);
}

static void rows_are_read_whatever_their_types(void **state) {
	struct usher_values **rows = NULL;
	struct usher_netlink_info *info = NULL;
	const struct usher_values *inside;
	const char *string;
	uint64_t number;
	int64_t less;

	stage.answer = answer_rows;
	assert_int_equal(usher_netlink_query(stage.usher, "link", NULL, NULL, NULL, &rows, &info),
			 2);
	assert_int_equal(usher_values_get_string(rows[0], "ifname", &string), 0);
	assert_string_equal(string, "a\nb");
	assert_int_equal(usher_values_get_number(rows[0], "mtu", &number), 0);
	assert_int_equal(number, 1500);
	assert_int_equal(usher_values_get_signed(rows[0], "nsid", &less), 0);
	assert_int_equal(less, -1);
	assert_int_equal(usher_values_get_string(rows[0], "flags.1", &string), 0);
	assert_string_equal(string, "x");
	assert_int_equal(usher_values_get_string(rows[0], "linkinfo.kind", &string), 0);
	assert_int_equal(usher_values_get_values(rows[1], "multipath", &inside), 0);
	assert_int_equal(usher_values_count(inside), 2);
	assert_int_equal(usher_values_get_type(rows[1], "raw"), USHER_VALUES_BYTES);
	assert_null(rows[2]);
	assert_int_equal(info->rows, 2);
	assert_true(info->complete);
	assert_string_equal(info->kernel_filters[0], "table");
	assert_string_equal(info->message, "");
	assert_null(usher_free_netlink_info(info));
	assert_null(usher_values_free_all(rows));
}

static void an_incomplete_answer_is_no_success_unless_asked(void **state) {
	struct usher_values **rows = NULL;
	struct usher_netlink_info *info = NULL;

	stage.answer = answer_incomplete;
	assert_int_equal(usher_netlink_query(stage.usher, "rule", NULL, NULL, NULL, &rows, NULL),
			 -EAGAIN);
	assert_non_null(strstr(usher_message(stage.usher), "something changed"));
	assert_null(rows);
	assert_int_equal(usher_netlink_query(stage.usher, "rule", NULL, NULL, NULL, &rows, &info),
			 0);
	assert_false(info->complete);
	assert_string_equal(info->interrupted, "something changed");
	usher_free_netlink_info(info);
	usher_values_free_all(rows);
}

/* A memfd with no row in it. */
static int answer_memfd(sd_bus_message *call) {
	const struct {
		struct usher_netlink_start start;
		struct usher_netlink_end end;
	} blocks = {
		{ { sizeof blocks.start, USHER_NETLINK_START, 0 }, USHER_NETLINK_MAGIC },
		{ .block = { sizeof blocks.end, USHER_NETLINK_END, 0 }, .complete = 1 },
	};

	int fd = memfd_create("rows", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;

	assert_int_equal(write(fd, &blocks, sizeof blocks), sizeof blocks);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	r = sd_bus_reply_method_return(call, "ha{sv}", fd, 1, "complete", "b", 1);
	close(fd);
	return r;
}

/* One that somebody could still write to. */
static int answer_unsealed(sd_bus_message *call) {
	int fd = memfd_create("rows", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;

	r = sd_bus_reply_method_return(call, "ha{sv}", fd, 0);
	close(fd);
	return r;
}

static void rows_come_by_a_descriptor(void **state) {
	struct usher_netlink_options keys = USHER_NETLINK_OPTIONS_INIT;
	struct usher_rows *rows = NULL;
	struct usher_rows_end end;
	struct usher_row row;
	int fd = -1;

	stage.answer = answer_memfd;
	keys.stream = true;
	assert_int_equal(usher_netlink_open(stage.usher, "route", NULL, &keys, NULL, &rows, NULL),
			 0);
	assert_heard("/org/usher1 Netlink.Open s'route' [] [(s'transport' <s'stream'>)]");
	assert_int_equal(usher_rows_next(rows, &row), 0);
	assert_int_equal(usher_rows_get_end(rows, &end), 0);
	assert_true(end.complete);
	assert_null(usher_rows_close(rows));
	assert_int_equal(usher_netlink_open_json(stage.usher, "route", NULL, NULL, NULL, &fd, NULL),
			 0);
	assert_heard("/org/usher1 Netlink.Open s'route' [] [(s'format' <s'json'>)]");
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	stage.answer = answer_unsealed;
	assert_int_equal(usher_netlink_open(stage.usher, "route", NULL, NULL, NULL, &rows, NULL),
			 -EINVAL);
}

/* ---- changes ---- */

static int answer_row(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "a{sv}", 1, "ifindex", "u", 7);
}

static int answer_two_rows(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "aa{sv}", 2, 1, "ifindex", "u", 7, 0);
}

static void a_change_is_sent_as_a_row(void **state) {
	_cleanup_values_ struct usher_values *row = new_values();
	struct usher_values *changed = NULL;
	uint64_t number;

	stage.answer = answer_row;
	usher_values_set_string(row, "ifname", "v");
	usher_values_set_string(row, "linkinfo.kind", "vlan");
	usher_values_set_number(row, "linkinfo.data.id", 7);
	usher_values_set_string(row, "multipath.0.dev", "a");
	usher_values_set_signed(row, "x", -1);
	assert_int_equal(usher_netlink_change(stage.usher, "add", "link", row, NULL, NULL,
					      &changed),
			 0);
	assert_heard("/org/usher1 Netlink.Change s'add' s'link' [(s'ifname' <s'v'>) "
		     "(s'linkinfo' <[(s'kind' <s'vlan'>) (s'data' <[(s'id' <t7>)]>)]>) "
		     "(s'multipath' <[[(s'dev' <s'a'>)]]>) (s'x' <x-1>)] []");
	assert_int_equal(usher_values_get_number(changed, "ifindex", &number), 0);
	assert_int_equal(number, 7);
	usher_values_free(changed);
	assert_int_equal(usher_netlink_change(stage.usher, "add", "link", NULL, NULL, NULL, NULL),
			 -EINVAL);
}

static void several_changes_are_one_call(void **state) {
	_cleanup_values_ struct usher_values *row = new_values();
	struct usher_netlink_step steps[] = { { "add", "link", row }, { "del", "route", row } };
	struct usher_values **rows = NULL;

	stage.answer = answer_two_rows;
	usher_values_set_string(row, "dev", "v");
	assert_int_equal(usher_netlink_batch(stage.usher, steps, 2, NULL, NULL, &rows), 2);
	assert_heard("/org/usher1 Netlink.Batch [(s'add' s'link' [(s'dev' <s'v'>)]) "
		     "(s'del' s'route' [(s'dev' <s'v'>)])] []");
	usher_values_free_all(rows);
	steps[1].row = NULL;
	assert_int_equal(usher_netlink_batch(stage.usher, steps, 2, NULL, NULL, &rows), -EINVAL);
}

static int answer_text(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "s", "{}");
}

static int answer_socket(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "h", 0);
}

static void the_rest_is_asked_for(void **state) {
	struct usher_netlink_options keys = USHER_NETLINK_OPTIONS_INIT;
	char *json = NULL;
	int fd = -1;

	stage.answer = answer_text;
	assert_int_equal(usher_netlink_describe(stage.usher, NULL, &json), 0);
	assert_heard("/org/usher1 Netlink.Describe s'' []");
	assert_string_equal(json, "{}");
	free(json);
	stage.answer = answer_socket;
	keys.in_name = "blue";
	assert_int_equal(usher_netlink_open_socket(stage.usher, "route", &keys, NULL, &fd), 0);
	assert_heard("/org/usher1 Netlink.OpenSocket s'route' [(s'in' <s'blue'>)]");
	close(fd);
}

/* ---- monitors ---- */

#define MONITOR "/org/usher1/monitor/3"

static int tell(const char *member, const char *types, ...) {
	sd_bus_message *m = NULL;
	va_list arguments;

	assert_true(sd_bus_message_new_signal(stage.service, &m, MONITOR,
					      "org.usher1.NetlinkMonitor", member) >= 0);
	va_start(arguments, types);
	assert_true(sd_bus_message_appendv(m, types, arguments) >= 0);
	va_end(arguments);
	assert_true(sd_bus_send(NULL, m, NULL) >= 0);
	sd_bus_message_unref(m);
	return 0;
}

static int answer_monitor(sd_bus_message *call) {
	int r = sd_bus_reply_method_return(call, "o", MONITOR);

	tell("Changed", "a(ssa{sv})", 3, "new", "link", 1, "ifname", "s", "a", "later", "link", 0,
	     "synced", "", 0);
	tell("Gap", "t", UINT64_C(9));
	tell("Changed", "a(ssa{sv})", 1, "del", "route", 0);
	tell("Vanished", "");
	return r;
}

static int next(struct usher_monitor *monitor, struct usher_netlink_change *ret) {
	int r;

	while ((r = usher_monitor_next(monitor, ret)) == 0)
		(void)poll(&(struct pollfd){ .fd = usher_get_fd(stage.usher), .events = POLLIN }, 1,
			   10000);
	return r;
}

static void what_a_monitor_tells_is_read_one_by_one(void **state) {
	struct usher_netlink_options keys = USHER_NETLINK_OPTIONS_INIT;
	struct usher_netlink_change change;
	struct usher_monitor *monitor;
	const char *string;

	stage.answer = answer_monitor;
	keys.no_snapshot = true;
	assert_int_equal(usher_netlink_subscribe(stage.usher, LIST("link", "route"), LIST("ifname"),
						 &keys, NULL, &monitor),
			 0);
	assert_heard("/org/usher1 Netlink.Subscribe [s'link' s'route'] [s'ifname'] "
		     "[(s'snapshot' <b0>)]");
	assert_string_equal(usher_monitor_get_object(monitor), MONITOR);
	assert_int_equal(next(monitor, &change), 1);
	assert_int_equal(change.action, USHER_NETLINK_NEW);
	assert_string_equal(change.type, "link");
	assert_int_equal(usher_values_get_string(change.row, "ifname", &string), 0);
	assert_int_equal(next(monitor, &change), 1);
	assert_int_equal(change.action, USHER_NETLINK_SYNCED);
	assert_null(change.row);
	assert_int_equal(next(monitor, &change), 1);
	assert_int_equal(change.action, USHER_NETLINK_GAP);
	assert_int_equal(change.lost, 9);
	assert_int_equal(next(monitor, &change), 1);
	assert_int_equal(change.action, USHER_NETLINK_DEL);
	assert_string_equal(change.type, "route");
	assert_int_equal(next(monitor, &change), -ENOTCONN);
	assert_int_equal(next(monitor, &change), -ENOTCONN);
	assert_null(usher_monitor_close(monitor));
	assert_null(strstr(stage.heard, "Close"));
}

static int answer_unreadable(sd_bus_message *call) {
	int r = sd_bus_reply_method_return(call, "o", MONITOR);

	tell("Changed", "as", 1, "nonsense");
	return r;
}

static void a_monitor_that_cannot_be_understood_says_so(void **state) {
	struct usher_netlink_change change;
	struct usher_monitor *monitor;

	stage.answer = answer_unreadable;
	assert_int_equal(usher_netlink_subscribe(stage.usher, LIST("link"), NULL, NULL, NULL,
						 &monitor),
			 0);
	stage.answer = answer_text;
	assert_int_equal(next(monitor, &change), -EBADMSG);
	assert_null(usher_monitor_close(monitor));
	assert_heard(MONITOR " NetlinkMonitor.Close []");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_what_it_was_set_to),
		cmocka_unit_test(a_value_of_another_type_is_none),
		cmocka_unit_test(names_lead_into_rows_and_lists),
		TEST(a_name_that_leads_nowhere_is_refused_and_that_sticks),
		cmocka_unit_test(values_are_text),
		TEST(a_filter_and_its_keys_are_one_dictionary),
		TEST(rows_are_read_whatever_their_types),
		TEST(an_incomplete_answer_is_no_success_unless_asked),
		TEST(rows_come_by_a_descriptor),
		TEST(a_change_is_sent_as_a_row),
		TEST(several_changes_are_one_call),
		TEST(the_rest_is_asked_for),
		TEST(what_a_monitor_tells_is_read_one_by_one),
		TEST(a_monitor_that_cannot_be_understood_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
