/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every operation's row, each defined in the file of its name. */
#pragma once

#include "operation.h"

extern const struct operation operation_mount;
extern const struct operation operation_mount_image;
extern const struct operation operation_bind;
extern const struct operation operation_open_mount;
extern const struct operation operation_open_tree;
extern const struct operation operation_unmount;
extern const struct operation operation_remount;
extern const struct operation operation_move;
extern const struct operation operation_pivot_root;
extern const struct operation operation_list;
extern const struct operation operation_unmount_object;
extern const struct operation operation_get_hostname;
extern const struct operation operation_set_hostname;
extern const struct operation operation_get_domainname;
extern const struct operation operation_set_domainname;
extern const struct operation operation_create;
extern const struct operation operation_attach;
extern const struct operation operation_connect_veth;
extern const struct operation operation_open_tun;
extern const struct operation operation_open_namespace;
extern const struct operation operation_open_leader;
extern const struct operation operation_destroy;
extern const struct operation operation_spawn;
extern const struct operation operation_signal;
extern const struct operation operation_wait;
extern const struct operation operation_trap;
extern const struct operation operation_close_trap;
extern const struct operation operation_create_timer;
extern const struct operation operation_set_timer;
extern const struct operation operation_close_timer;
extern const struct operation operation_subscribe;
extern const struct operation operation_open_watch;
extern const struct operation operation_set_events;
extern const struct operation operation_since;
extern const struct operation operation_decide;
extern const struct operation operation_close_watch;
extern const struct operation operation_query;
extern const struct operation operation_open_rows;
extern const struct operation operation_describe;
extern const struct operation operation_change;
extern const struct operation operation_batch;
extern const struct operation operation_open_socket;
extern const struct operation operation_subscribe_rows;
extern const struct operation operation_open_monitor;
extern const struct operation operation_close_monitor;
