/* seuss-tender: makes, captures, deploys and kills unikernel contexts for a node. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher.h"
#include "base.h"
#include "optimisations.h"

#define UC_MAX_DEFAULT 100000
#define CPU_MAX 4096
#define USAGE "seuss-tender --libos PATH --cpus 0,1 [--max-uc N] [--bind-node 0|1] [--without LIST] [--memory-max BYTES]"

static long number(const char *option, const char *text, char **end, long max)
{
	long v;

	errno = 0;
	v = strtol(text, end, 10);
	if (errno || *end == text || v < 0 || v > max)
		fatal(0, "%s: %s is no number from 0 to %ld", option, text, max);
	return v;
}

static void parse_cpus(struct launch *l, const char *list)
{
	for (;;) {
		char *end;

		if (l->cpu_count == PEERS_MAX)
			fatal(0, "--cpus: more than %d", PEERS_MAX);
		l->cpus[l->cpu_count++] = (int)number("--cpus", list, &end, CPU_MAX);
		if (*end == '\0')
			return;
		if (*end != ',')
			fatal(0, "--cpus: %s is no list like 0,1", list);
		list = end + 1;
	}
}

static void parse(struct launch *l, int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		char *end;

		if (i + 1 == argc)
			fatal(0, "%s: a value is missing", argv[i]);
		if (!strcmp(argv[i], "--libos")) {
			l->libos_path = argv[i + 1];
		} else if (!strcmp(argv[i], "--cpus")) {
			parse_cpus(l, argv[i + 1]);
		} else if (!strcmp(argv[i], "--max-uc")) {
			l->uc_max = (uint32_t)number("--max-uc", argv[i + 1], &end, INT32_MAX);
			if (*end)
				fatal(0, "--max-uc: %s is no number", argv[i + 1]);
		} else if (!strcmp(argv[i], "--bind-node")) {
			l->bind_node = number("--bind-node", argv[i + 1], &end, 1) == 1;
		} else if (!strcmp(argv[i], "--memory-max")) {
			l->memory_max = (uint64_t)number("--memory-max", argv[i + 1], &end, INT64_MAX);
			if (*end)
				fatal(0, "--memory-max: %s is no number", argv[i + 1]);
		} else if (!strcmp(argv[i], "--without")) {
			if (!optimisations_parse(argv[i + 1], &l->without))
				fatal(0, "--without: %s is no list like templates,working-set,unchanged", argv[i + 1]);
		} else {
			fatal(0, "unknown option %s; usage: " USAGE, argv[i]);
		}
	}
	if (!l->libos_path || !l->cpu_count)
		fatal(0, "usage: " USAGE ", control sockets from descriptor 3 on");
}

int main(int argc, char **argv)
{
	static struct launch l = { .uc_max = UC_MAX_DEFAULT, .host_proc = -1, .memory_group = MEMORY_GROUP_NONE };

	parse(&l, argc, argv);
	launch(&l);
}
