/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "authority.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fd.h"
#include "refusal.h"
#include "text.h"

#define POLKIT                                                                 \
	"org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", \
		"org.freedesktop.PolicyKit1.Authority"

/* A person may take long; a prompt that nobody answers goes away after this. */
static const uint64_t patience_usec = UINT64_C(10) * 60 * 1000000;

struct authority_question {
	sd_bus *bus;
	sd_bus_slot *slot;
	authority_answer answer;
	void *userdata;
	bool interactive;
	char action[96];
	char id[40]; /* to take it back by; nobody else's may be guessed */
};

static void message_unrefp(sd_bus_message **message) {
	sd_bus_message_unref(*message);
}

static struct authority_question *question_free(struct authority_question *question) {
	sd_bus_slot_unref(question->slot);
	sd_bus_unref(question->bus);
	free(question);
	return NULL;
}

/* Nobody waits for the answer to that, which would be one more. */
static void take_back(const struct authority_question *question) {
	_cleanup_(message_unrefp) sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(question->bus, &message, POLKIT,
					       "CancelCheckAuthorization");

	if (r >= 0)
		r = sd_bus_message_append(message, "s", question->id);
	if (r >= 0)
		r = sd_bus_message_set_auto_start(message, 0);
	if (r >= 0)
		(void)sd_bus_send(question->bus, message, NULL);
}

static bool is_late(sd_bus_message *reply) {
	return sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) > 0;
}

static int judge(const struct authority_question *question, sd_bus_message *reply, char *why,
		 size_t size) {
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	int authorized, challenge, r;

	if (is_late(reply)) {
		(void)snprintf(why, size, "polkit has not answered whether %s is allowed",
			       question->action);
		return REFUSED_PERMISSION;
	}
	if (error) {
		(void)snprintf(why, size, "polkit cannot be asked about %s (%s), so only root may",
			       question->action, error->name);
		return REFUSED_PERMISSION;
	}
	r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
	if (r >= 0)
		r = sd_bus_message_read(reply, "bb", &authorized, &challenge);
	if (r < 0) {
		(void)snprintf(why, size, "polkit answers nonsense about %s", question->action);
		return REFUSED_PERMISSION;
	}
	if (authorized)
		return 0;
	if (challenge && !question->interactive) {
		(void)snprintf(why, size, "somebody would have to be asked about %s",
			       question->action);
		return REFUSED_INTERACTION;
	}
	(void)snprintf(why, size,
		       challenge ? "nobody could be asked about %s" : "polkit does not allow %s",
		       question->action);
	return REFUSED_PERMISSION;
}

static int on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *ignored) {
	struct authority_question *question = userdata;
	authority_answer answer = question->answer;
	void *whose = question->userdata;
	char why[256] = "";
	int verdict = judge(question, reply, why, sizeof why);

	if (is_late(reply)) /* for polkit, and for the bus, it stands still */
		take_back(question);
	question_free(question);
	answer(whose, verdict, why);
	return 0;
}

static int append_details(sd_bus_message *message, Usher__Detail *const *details, size_t n) {
	int r = sd_bus_message_open_container(message, 'a', "{ss}");

	for (size_t i = 0; r >= 0 && i < n; i++) {
		_cleanup_free_ char *value = text_from_name(details[i]->value);

		r = value ? sd_bus_message_append(message, "{ss}", details[i]->key, value)
			  : -ENOMEM;
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int compose(struct authority_question *question, sd_bus_message **ret,
		   const char *connection, Usher__Detail *const *details, size_t n_details) {
	_cleanup_(message_unrefp) sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(question->bus, &message, POLKIT,
					       "CheckAuthorization");

	if (r >= 0)
		r = sd_bus_message_append(message, "(sa{sv})s", "system-bus-name", 1, "name", "s",
					  connection, question->action);
	if (r >= 0)
		r = append_details(message, details, n_details);
	if (r >= 0)
		r = sd_bus_message_append(message, "us", question->interactive ? 1U : 0U,
					  question->id);
	if (r < 0)
		return r;
	*ret = message;
	message = NULL;
	return 0;
}

int authority_ask(struct authority_question **ret, sd_bus *bus, const char *connection,
		  const char *action, Usher__Detail *const *details, size_t n_details,
		  bool interactive, authority_answer answer, void *userdata) {
	_cleanup_(message_unrefp) sd_bus_message *message = NULL;
	struct authority_question *question = calloc(1, sizeof *question);
	uint64_t random[2];
	int r;

	if (!question)
		return -ENOMEM;
	question->bus = sd_bus_ref(bus);
	question->answer = answer;
	question->userdata = userdata;
	question->interactive = interactive;
	(void)snprintf(question->action, sizeof question->action, "%s", action);
	if (getrandom(random, sizeof random, 0) != sizeof random)
		random[0] = random[1] = (uint64_t)(uintptr_t)question;
	(void)snprintf(question->id, sizeof question->id, "%016" PRIx64 "%016" PRIx64, random[0],
		       random[1]);
	r = compose(question, &message, connection, details, n_details);
	if (r >= 0)
		r = sd_bus_call_async(bus, &question->slot, message, on_verdict, question,
				      patience_usec);
	if (r < 0) {
		question_free(question);
		return r;
	}
	*ret = question;
	return 0;
}

struct authority_question *authority_cancel(struct authority_question *question) {
	if (!question)
		return NULL;
	take_back(question);
	return question_free(question);
}
