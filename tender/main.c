/* seuss-tender: makes, captures, deploys and kills unikernel contexts for a node. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/optimisations.h"
#include "base/peer_set.h"
#include "node/launcher.h"
#include "sandbox/memory_group.h"

/* Contexts of a tender, unless the node says otherwise. */
#define UC_MAX_DEFAULT 100000
/* As many as a processor mask may name. */
#define CPU_MAX 4096
#define USAGE                                                                                \
	"seuss-tender --libos PATH --cpu N [--index I --count N --peers PATH] [--max-uc N] " \
	"[--bind-node 0|1] [--without LIST] [--memory-max BYTES --memory-group NAME] [--capture-max BYTES]"

static long number(const char *option, const char *text, char **end, long max)
{
	long v;

	errno = 0;
	v = strtol(text, end, 10);
	if (errno || *end == text || v < 0 || v > max)
		fatal(0, "%s: %s is no number from 0 to %ld", option, text, max);
	return v;
}

static long whole_number(const char *option, const char *text, long max)
{
	char *end;
	long v = number(option, text, &end, max);

	if (*end)
		fatal(0, "%s: %s is no number", option, text);
	return v;
}

static void parse(struct launch *l, int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			fatal(0, "%s: a value is missing", argv[i]);
		if (!strcmp(argv[i], "--libos")) {
			l->libos_path = argv[i + 1];
		} else if (!strcmp(argv[i], "--cpu")) {
			l->cpu = (int)whole_number(argv[i], argv[i + 1], CPU_MAX);
		} else if (!strcmp(argv[i], "--index")) {
			l->index = (int)whole_number(argv[i], argv[i + 1], PEERS_MAX - 1);
		} else if (!strcmp(argv[i], "--count")) {
			l->count = (int)whole_number(argv[i], argv[i + 1], PEERS_MAX);
		} else if (!strcmp(argv[i], "--peers")) {
			l->peers_path = argv[i + 1];
		} else if (!strcmp(argv[i], "--max-uc")) {
			l->uc_max = (uint32_t)whole_number(argv[i], argv[i + 1], INT32_MAX);
		} else if (!strcmp(argv[i], "--bind-node")) {
			l->bind_node = whole_number(argv[i], argv[i + 1], 1) == 1;
		} else if (!strcmp(argv[i], "--memory-max")) {
			l->memory_max = (uint64_t)whole_number(argv[i], argv[i + 1], INT64_MAX);
		} else if (!strcmp(argv[i], "--capture-max")) {
			l->capture_max = (uint64_t)whole_number(argv[i], argv[i + 1], INT64_MAX);
		} else if (!strcmp(argv[i], "--memory-group")) {
			l->memory_group_name = argv[i + 1];
		} else if (!strcmp(argv[i], "--without")) {
			if (!optimisations_parse(argv[i + 1], &l->without))
				fatal(0, "--without: %s is no list like templates,working-set,unchanged",
				      argv[i + 1]);
		} else {
			fatal(0, "unknown option %s; usage: " USAGE, argv[i]);
		}
	}
	if (!l->libos_path || l->cpu < 0 || l->index >= l->count)
		fatal(0, "usage: " USAGE ", the control socket as descriptor 3");
}

int main(int argc, char **argv)
{
	static struct launch l = { .uc_max = UC_MAX_DEFAULT,
				   .cpu = -1,
				   .count = 1,
				   .host_proc = -1,
				   .memory_group = MEMORY_GROUP_NONE,
				   .memory_group_name = "seuss" };

	parse(&l, argc, argv);
	launch(&l);
}
