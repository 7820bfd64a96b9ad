/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of entries that the service makes in the journal: MESSAGE_ID, never to change. */
#pragma once

/* what became of a call */
#define JOURNAL_CALL "ae42af5fa38a4320875325246261265c"
/* how many calls of a user have no entry, since there were too many of them */
#define JOURNAL_LEFT_OUT "9b0d35fc1a224f3787de87ece3413091"
