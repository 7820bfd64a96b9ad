/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Durations of one kind of operation, and what they come to: a line of JSON. */

#ifndef MEASURE_H
#define MEASURE_H

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct measure {
	const char *name;
	uint64_t *nsec;
	size_t n, size;
	uint64_t began;
};

static inline uint64_t measure_now(void) {
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Until BENCH_AT, nanoseconds of the monotonic clock: so several programs begin at once. */
static inline void measure_wait(void) {
	const char *at = getenv("BENCH_AT");
	uint64_t nsec = at ? strtoull(at, NULL, 10) : 0;
	struct timespec when = { (time_t)(nsec / 1000000000), (long)(nsec % 1000000000) };

	while (at && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
		;
}

/* Then what is done between the calls counts, too. */
static inline bool measure_is_one_of_many(void) {
	return getenv("BENCH_AT");
}

static inline struct measure measure_new(const char *name, size_t size) {
	struct measure measure = { .name = name,
				   .size = size,
				   .nsec = calloc(size + 1, sizeof(uint64_t)) };

	if (!measure.nsec)
		err(1, "calloc");
	return measure;
}

static inline void measure_begin(struct measure *measure) {
	measure->began = measure_now();
}

static inline void measure_end(struct measure *measure) {
	uint64_t now = measure_now();

	if (measure->n < measure->size)
		measure->nsec[measure->n++] = now - measure->began;
}

static inline int measure_compare(const void *a, const void *b) {
	const uint64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static inline double measure_percentile(const struct measure *measure, unsigned percent) {
	size_t at = (measure->n * percent + 99) / 100;

	return (double)measure->nsec[at > 0 ? at - 1 : 0] / 1000;
}

/* All of them, for who puts those of several programs or rounds together. */
static inline void measure_print_raw(const struct measure *measure) {
	printf("{\"name\": \"%s\", \"end\": %.3f, \"usec\": [", measure->name,
	       (double)measure_now() / 1000);
	for (size_t i = 0; i < measure->n; i++)
		printf("%s%.2f", i ? ", " : "", (double)measure->nsec[i] / 1000);
	printf("]}\n");
}

static inline void measure_print(struct measure *measure) {
	double sum = 0;

	if (measure->n == 0)
		return;
	if (getenv("BENCH_RAW")) {
		measure_print_raw(measure);
		return;
	}
	qsort(measure->nsec, measure->n, sizeof *measure->nsec, measure_compare);
	for (size_t i = 0; i < measure->n; i++)
		sum += (double)measure->nsec[i] / 1000;
	printf("{\"name\": \"%s\", \"n\": %zu, \"mean\": %.2f, \"p50\": %.2f, \"p99\": %.2f, \"min\": %.2f}\n",
	       measure->name, measure->n, sum / (double)measure->n, measure_percentile(measure, 50),
	       measure_percentile(measure, 99), (double)measure->nsec[0] / 1000);
	free(measure->nsec);
}

#endif
