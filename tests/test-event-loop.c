/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources in a loop of sd-event. */

#include <sys/stat.h>
#include <time.h>

#include "event.h"
#include "event/usher-sd-event.h"

/* What a handler was told. */
struct told {
	unsigned calls;
	int result;
	uint64_t sum;
	char name[32];
	struct usher_attachment *attachment;
	struct usher_waiter *cancel; /* within the handler */
	bool again, free_it, close_it;
};

static int on_event(int result, struct usher_event *event, void *userdata) {
	struct told *told = userdata;

	told->calls++;
	told->result = result;
	if (event && event->kind == USHER_SOURCE_EVENTFD)
		told->sum += event->count;
	if (event && event->kind == USHER_SOURCE_TIMERFD)
		told->sum += event->timer.expirations;
	if (event && event->kind == USHER_SOURCE_SIGNALFD)
		told->sum += (uint64_t)event->signal.number;
	if (event && event->kind == USHER_SOURCE_INOTIFY)
		(void)snprintf(told->name, sizeof told->name, "%s", event->inotify.name);
	told->cancel = usher_waiter_cancel(told->cancel);
	if (told->again)
		assert_int_equal(usher_attachment_next(told->attachment, on_event, told, NULL), 0);
	if (told->free_it)
		told->attachment = usher_attachment_free(told->attachment);
	if (told->close_it)
		usher_source_close(event->source);
	return 0;
}

/* Runs until nothing has happened for a while. */
static void run(sd_event *loop) {
	while (sd_event_run(loop, SHORT_USEC) > 0)
		;
}

struct stand {
	sd_event *loop;
	struct usher_source *source;
	struct usher_attachment *attachment;
};

static struct stand stand_on(struct usher_source *source) {
	struct stand stand = { .source = source };

	assert_true(sd_event_new(&stand.loop) >= 0);
	assert_int_equal(usher_sd_attach(stand.loop, source, &stand.attachment), 0);
	return stand;
}

static struct stand stand_on_counter(void) {
	struct usher_source *source;

	assert_int_equal(usher_eventfd_new(0, false, &source), 0);
	return stand_on(source);
}

static void stand_end(struct stand *stand) {
	usher_attachment_free(stand->attachment);
	usher_source_free(stand->source);
	sd_event_unref(stand->loop);
}

static void every_kind_of_source_runs_in_one_loop(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	struct usher_source *sources[5];
	struct usher_attachment *attachments[5] = { 0 };
	struct told told[5] = { 0 };
	sd_event *loop;
	sigset_t signals;
	size_t n = 4;

	assert_true(sd_event_new(&loop) >= 0);
	sources[0] = inotify_on(directory, IN_CREATE);
	sigemptyset(&signals);
	sigaddset(&signals, SIGRTMIN);
	assert_int_equal(usher_sigmask(SIG_BLOCK, &signals, NULL), 0);
	assert_int_equal(usher_signalfd_new(&signals, &sources[1]), 0);
	assert_int_equal(usher_timerfd_new(CLOCK_REALTIME, &sources[2]), 0);
	assert_int_equal(usher_eventfd_new(0, false, &sources[3]), 0);
	if (usher_fanotify_new(FAN_REPORT_DFID_NAME, 0, &sources[4]) == 0)
		n = 5;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(usher_sd_attach(loop, sources[i], &attachments[i]), 0);
		assert_int_equal(usher_attachment_listen(attachments[i], on_event, &told[i], NULL),
				 0);
	}
	usher_timerspec_every(&spec, 0, 1000000);
	assert_int_equal(usher_timerfd_set(sources[2], &spec, 0, NULL), 0);
	if (n == 5)
		assert_int_equal(usher_fanotify_watch(sources[4], directory, FAN_CREATE, 0), 0);
	for (int i = 0; i < 5; i++) {
		touch((const char *[]){ "a", "b", "c", "d", "e" }[i]);
		raise(SIGRTMIN);
		assert_int_equal(usher_eventfd_increment(sources[3], 1), 0);
	}
	for (int i = 0; i < 500 && told[2].sum < 5; i++)
		assert_true(sd_event_run(loop, LONG_USEC) >= 0);
	usher_timerfd_disarm(sources[2]);
	run(loop);
	assert_int_equal(told[0].calls, 5);
	assert_int_equal(told[1].sum, 5 * SIGRTMIN);
	assert_true(told[2].sum >= 5);
	assert_int_equal(told[3].sum, 5);
	assert_int_equal(told[4].calls, n == 5 ? 5 : 0);
	for (size_t i = 0; i < n; i++) {
		usher_attachment_free(attachments[i]);
		usher_source_free(sources[i]);
	}
	usher_sigmask(SIG_UNBLOCK, &signals, NULL);
	sd_event_unref(loop);
	if (n < 5)
		skip_because("fanotify is not for an ordinary user here");
}

static void nobody_waits_and_nothing_is_read_nor_turned(void **state) {
	struct stand stand = stand_on_counter();
	struct told told = { 0 };
	struct timespec before, after;

	assert_int_equal(usher_eventfd_increment(stand.source, 3), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	/* The descriptor is readable all the time. */
	assert_int_equal(sd_event_run(stand.loop, SHORT_USEC * 10), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec <
		    100000000);
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told, NULL), 0);
	run(stand.loop);
	assert_int_equal(told.sum, 3);
	/* That was one, and nobody waits again. */
	assert_int_equal(usher_eventfd_increment(stand.source, 4), 0);
	run(stand.loop);
	assert_int_equal(told.calls, 1);
	stand_end(&stand);
}

static void everybody_who_waits_gets_the_event(void **state) {
	struct stand stand = stand_on_counter();
	struct told told[3] = { 0 };

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told[i], NULL),
				 0);
	assert_int_equal(usher_attachment_listen(stand.attachment, on_event, &told[2], NULL), 0);
	assert_int_equal(usher_eventfd_increment(stand.source, 5), 0);
	run(stand.loop);
	assert_int_equal(usher_eventfd_increment(stand.source, 6), 0);
	run(stand.loop);
	assert_int_equal(told[0].sum, 5);
	assert_int_equal(told[1].sum, 5);
	assert_int_equal(told[2].sum, 11);
	stand_end(&stand);
}

static void whoever_cancels_is_not_called(void **state) {
	struct stand stand = stand_on_counter();
	struct told told[3] = { 0 };
	struct usher_waiter *waiter;

	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told[0], &waiter), 0);
	assert_null(usher_waiter_cancel(waiter));
	/* Two that cancel each other: whoever comes first. */
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told[1],
					       &told[2].cancel),
			 0);
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told[2],
					       &told[1].cancel),
			 0);
	assert_int_equal(usher_eventfd_increment(stand.source, 1), 0);
	run(stand.loop);
	assert_int_equal(told[0].calls, 0);
	assert_int_equal(told[1].calls + told[2].calls, 1);
	assert_null(usher_waiter_cancel(NULL));
	stand_end(&stand);
}

static void what_was_read_and_not_told_waits_for_the_next_who_asks(void **state) {
	struct stand stand = stand_on(inotify_on(directory, IN_CREATE));
	struct told told = { 0 };

	touch("kept-1");
	touch("kept-2");
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told, NULL), 0);
	run(stand.loop);
	assert_string_equal(told.name, "kept-1");
	assert_int_equal(usher_source_kept(stand.source), 1);
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told, NULL), 0);
	run(stand.loop);
	assert_string_equal(told.name, "kept-2");
	/* One who asks again from the handler gets each of them, once. */
	told = (struct told){ .attachment = stand.attachment, .again = true };
	touch("kept-3");
	touch("kept-4");
	touch("kept-5");
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told, NULL), 0);
	run(stand.loop);
	assert_int_equal(told.calls, 3);
	assert_string_equal(told.name, "kept-5");
	stand_end(&stand);
}

static void a_source_that_is_closed_ends_every_wait(void **state) {
	struct stand stand = stand_on_counter();
	struct told told[3] = { 0 };
	struct usher_attachment *second;

	assert_int_equal(usher_sd_attach(stand.loop, stand.source, &second), -EBUSY);
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told[0], NULL), 0);
	assert_int_equal(usher_attachment_listen(stand.attachment, on_event, &told[1], NULL), 0);
	assert_int_equal(usher_source_close(stand.source), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(told[i].calls, 1);
		assert_int_equal(told[i].result, -EBADF);
	}
	run(stand.loop);
	assert_int_equal(told[1].calls, 1);
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told[2], NULL), -EBADF);
	assert_int_equal(usher_attachment_set_priority(stand.attachment, 1), -EBADF);
	stand_end(&stand);
}

static void a_handler_may_end_everything(void **state) {
	struct stand stand = stand_on_counter();
	struct told told[2] = { { .attachment = stand.attachment, .free_it = true } };

	assert_int_equal(usher_attachment_set_priority(stand.attachment, 10), 0);
	told[1] = told[0];
	assert_int_equal(usher_attachment_listen(stand.attachment, on_event, &told[0], NULL), 0);
	assert_int_equal(usher_attachment_listen(stand.attachment, on_event, &told[1], NULL), 0);
	assert_int_equal(usher_eventfd_increment(stand.source, 1), 0);
	run(stand.loop);
	assert_int_equal(told[0].calls + told[1].calls, 1);
	stand.attachment = NULL;
	stand_end(&stand);

	stand = stand_on_counter();
	memset(told, 0, sizeof told);
	told[0].close_it = true;
	assert_int_equal(usher_attachment_listen(stand.attachment, on_event, &told[1], NULL), 0);
	assert_int_equal(usher_attachment_next(stand.attachment, on_event, &told[0], NULL), 0);
	assert_int_equal(usher_eventfd_increment(stand.source, 1), 0);
	run(stand.loop);
	assert_int_equal(told[0].calls, 1);
	/* with the event before, or without it */
	assert_in_range(told[1].calls, 1, 2);
	assert_int_equal(told[1].result, -EBADF);
	stand_end(&stand);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_source_runs_in_one_loop),
		cmocka_unit_test(nobody_waits_and_nothing_is_read_nor_turned),
		cmocka_unit_test(everybody_who_waits_gets_the_event),
		cmocka_unit_test(whoever_cancels_is_not_called),
		cmocka_unit_test(what_was_read_and_not_told_waits_for_the_next_who_asks),
		cmocka_unit_test(a_source_that_is_closed_ends_every_wait),
		cmocka_unit_test(a_handler_may_end_everything),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
