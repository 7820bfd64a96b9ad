# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A front to meson and to the scripts that do the work. "make check" needs root: it boots a system.

BUILD = build
MESON_OPTIONS = -Dprefix=/usr -Dsysconfdir=/etc -Dlocalstatedir=/var

.DEFAULT_GOAL = build

.PHONY: deps
deps:
	@tools/deps

$(BUILD)/build.ninja:
	meson setup $(BUILD) $(MESON_OPTIONS) </dev/null

.PHONY: build
build: $(BUILD)/build.ninja
	meson compile -C $(BUILD)

# All tests: of units, with two compilers and with sanitizers, and of the running system. STEPS="gcc system" names
# some, SKIP_CLANG=1, SKIP_SANITIZERS=1, SKIP_KERNEL=1 and SKIP_SYSTEM=1 leave one out.
.PHONY: check
check: deps
	@tests/run-all $(STEPS)

# See it at work, in a system of its own.
.PHONY: demo
demo: deps build
	@tools/boot --build $(BUILD) -- /usr/src/usher/tests/demo

# Writes tests/bench/results.json and the tables of docs/performance.md. On a quiet machine, or it measures that.
.PHONY: bench
bench: build
	@tools/deps bench
	@tests/bench/run $(ARGS)

.PHONY: fuzz soak
fuzz soak:
	@if test -x tests/$@/run; then $(MAKE) deps build && tests/$@/run $(ARGS); else echo "tests/$@/run is not there yet"; fi

.PHONY: analyze
analyze: deps build
	@tools/analyze $(BUILD)

.PHONY: format
format:
	git ls-files -z --cached --others --exclude-standard -- '*.c' '*.h' | xargs -0r clang-format -i

# Into a directory of a packager's the files are put and no more; on a running system the service is made known to it.
.PHONY: install
install: build
	meson install -C $(BUILD) --no-rebuild
	@if test -z "$(DESTDIR)" && test -d /run/systemd/system; then \
		systemd-sysusers usher.conf && systemd-tmpfiles --create usher.conf && systemctl daemon-reload && \
		systemctl reload dbus.service && systemctl enable --now usher-worker.socket usher-spawner.socket usher-watcher.socket usher-netlink.socket; fi

.PHONY: uninstall
uninstall:
	@if test -z "$(DESTDIR)" && test -d /run/systemd/system; then \
		systemctl disable --now usher-worker.socket usher-spawner.socket usher-watcher.socket usher-netlink.socket; \
		systemctl stop usherd.service usher-worker.service usher-spawner.service; fi
	ninja -C $(BUILD) uninstall
	@if test -z "$(DESTDIR)" && test -d /run/systemd/system; then \
		systemctl daemon-reload && systemctl reload dbus.service; fi

.PHONY: clean
clean:
	rm -rf $(BUILD) $(BUILD)-clang $(BUILD)-sanitizers $(BUILD)-analyzer $(BUILD)-security $(BUILD)-another
