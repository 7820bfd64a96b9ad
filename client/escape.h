/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw bytes to and from strings that may travel over the bus. Pure; documented in usher.h. */
#pragma once

char *usher_escape(const char *bytes);
int usher_unescape(const char *text, char **ret);
