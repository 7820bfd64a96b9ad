/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks polkit, without waiting for it. No answer is no. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "usher.pb-c.h"

struct authority_question;

/* 0: yes. A refusal otherwise: not permitted, or that a person would have to be asked. */
typedef void (*authority_answer)(void *userdata, int verdict, const char *why);

/* Asks whether the connection may do the action. Somebody may be asked about it only if
 * interactive. answer is called once, later, unless the question is taken back first. */
int authority_ask(struct authority_question **ret, sd_bus *bus, const char *connection,
		  const char *action, Usher__Detail *const *details, size_t n_details,
		  bool interactive, authority_answer answer, void *userdata);
/* Takes a question back: a prompt that stands goes away. NULL is fine. */
struct authority_question *authority_cancel(struct authority_question *question);
