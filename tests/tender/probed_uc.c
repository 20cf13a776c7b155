#include "probed_uc.h"

#include <errno.h>

#include "check.h"

#define REST_TRIES 1000

struct client client;
int tender;

struct probe_result ask(uint32_t uc, const struct probe_call *call)
{
	struct probe_result r;

	CHECK(client_probe(&client, tender, uc, call, &r) == PROBE_ANSWERED);
	return r;
}

uint64_t count(uint32_t uc)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_COUNT }).result;
}

uint64_t peek(uint32_t uc, uint64_t addr)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_PEEK, .args = { addr } }).result;
}

void poke(uint32_t uc, uint64_t addr, uint64_t value)
{
	CHECK(ask(uc, &(struct probe_call){ .op = PROBE_POKE, .args = { addr, value } }).result == value);
}

void kill_uc(uint32_t uc)
{
	struct message m = client_call(&client, tender, CONTROL_KILL, uc, "", 0);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
}

int demote_at_rest(uint32_t uc, uint64_t snapshot, struct control_demoted *d)
{
	int error = EBUSY;

	for (int tries = 0; error == EBUSY && tries < REST_TRIES; tries++)
		error = client_demote(&client, tender, uc, snapshot, d);
	return error;
}
