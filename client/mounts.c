/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Mounts, all but the table, and the objects it makes. */

#include "call.h"
#include "path.h"

#define MOUNTS "org.usher1.Mounts"

/* A source may be a name that only looks like a relative path ("tmpfs", "server:/export"). */
static void add_source(struct call *call, const char *source) {
	if (source && path_is_explicit(source))
		call_add_path(call, "source", source);
	else
		call_add_string(call, "source", source);
}

int usher_mount(struct usher *usher, const char *source, const char *target, const char *fstype,
		const char *const words[], const struct usher_options *options, char **ret_object) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "Mount", options);

	add_source(&call, source);
	call_add_path(&call, "target", target);
	call_add_string(&call, "fstype", fstype ? fstype : "auto");
	call_add_words(&call, "options", words);
	return call_for_object(&call, ret_object);
}

int usher_mount_image(struct usher *usher, int image, const char *target, const char *fstype,
		      const char *const words[], const struct usher_options *options,
		      char **ret_object) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "MountImage", options);

	call_add_fd(&call, "image", image);
	call_add_path(&call, "target", target);
	call_add_string(&call, "fstype", fstype ? fstype : "auto");
	call_add_words(&call, "options", words);
	return call_for_object(&call, ret_object);
}

int usher_bind(struct usher *usher, const char *source, const char *target,
	       const char *const words[], const struct usher_options *options, char **ret_object) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "Bind", options);

	call_add_path(&call, "source", source);
	call_add_path(&call, "target", target);
	call_add_words(&call, "options", words);
	return call_for_object(&call, ret_object);
}

int usher_open_mount(struct usher *usher, const char *source, const char *fstype,
		     const char *const words[], const struct usher_options *options, int *ret_fd) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "OpenMount", options);

	add_source(&call, source);
	call_add_string(&call, "fstype", fstype ? fstype : "auto");
	call_add_words(&call, "options", words);
	return call_for_fd(&call, ret_fd);
}

int usher_open_tree(struct usher *usher, const char *path, const char *const words[],
		    const struct usher_options *options, int *ret_fd) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "OpenTree", options);

	call_add_path(&call, "path", path);
	call_add_words(&call, "options", words);
	return call_for_fd(&call, ret_fd);
}

int usher_unmount(struct usher *usher, const char *target, const struct usher_options *options) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "Unmount", options);

	call_add_path(&call, "target", target);
	return call_for_nothing(&call);
}

int usher_remount(struct usher *usher, const char *target, const char *const words[],
		  const struct usher_options *options) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "Remount", options);

	call_add_path(&call, "target", target);
	call_add_words(&call, "options", words);
	return call_for_nothing(&call);
}

int usher_move(struct usher *usher, const char *from, const char *to,
	       const struct usher_options *options) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "Move", options);

	call_add_path(&call, "from", from);
	call_add_path(&call, "to", to);
	return call_for_nothing(&call);
}

int usher_pivot_root(struct usher *usher, const char *new_root, const char *put_old,
		     const struct usher_options *options) {
	_cleanup_call_ struct call call = call_begin(usher, MOUNTS, "PivotRoot", options);

	call_add_path(&call, "new_root", new_root);
	call_add_path(&call, "put_old", put_old);
	return call_for_nothing(&call);
}

int usher_mount_object_unmount(struct usher *usher, const char *object,
			       const struct usher_options *options) {
	_cleanup_call_ struct call call =
		call_begin_on(usher, object, "org.usher1.Mount", "Unmount", options);

	return call_for_nothing(&call);
}
