/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that an operation answers with. */
#pragma once

struct job;

/* Takes the descriptor; its place goes into a field of the reply. 0 or a negative errno. */
int handover_descriptor(struct job *job, const char *field, int fd);
/* A socket of packets: one end for the caller to read, `stream_fd`, and one for the process that
 * writes to it and waits for nobody, `writing_fd`. As much as `room` bytes may be under way, as far
 * as the kernel allows; 0: what is usual. */
int handover_stream(struct job *job, int room);
