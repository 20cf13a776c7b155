/* The node's side of the control protocol, as far as the live test needs it. */
#ifndef TESTS_TENDER_CLIENT_H
#define TESTS_TENDER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../abi/control.h"
#include "../../abi/link.h"
#include "probe.h"

#define CLIENT_TENDERS 2

struct client {
	const char *tender, *libos, *memory_max;
	char group[32]; /* name of their memory cgroup */
	char dir[32], paths[CLIENT_TENDERS][64]; /* where tenders find each other */
	pid_t pids[CLIENT_TENDERS];
	int socks[CLIENT_TENDERS];
	uint32_t next_seq;
	struct control_exit last_exit; /* of the UC last asked about */
};

struct message {
	struct control_frame frame;
	char *payload; /* freed by message_free */
};

/* Starts two tenders that know each other, both on core 0. */
void client_start(struct client *c, const char *tender, const char *libos);
/* UCs get a memory cgroup with that limit, in bytes, where the host lets it be made. */
void client_start_within(struct client *c, const char *tender, const char *libos, const char *memory_max);
/* CONTROL_HELLO. */
struct control_hello client_greet(struct client *c, int i);
/*
 * Closes the control sockets and waits for the end of the tenders; a wait status, of one that did not end
 * well if there is.
 */
int client_stop(struct client *c);

/* Ends tender i, by SIGKILL or as the node does; its wait status. */
int client_close(struct client *c, int i, bool kills);
/* Starts it again; the other does not know it yet. */
void client_open(struct client *c, int i);
void client_join(struct client *c, int i);

/* Sends a request to tender i and returns the reply; events before it are dropped. */
struct message client_call(struct client *c, int i, uint16_t type, uint32_t uc, const void *payload,
			   size_t bytes);
void message_free(struct message *m);
/* The next message from tender i, within timeout_ms; false if none came. */
bool client_receive(struct client *c, int i, int timeout_ms, struct message *m);
void client_send(struct client *c, int i, uint16_t type, uint16_t flags, uint32_t uc, uint32_t seq,
		 const void *payload, size_t bytes);

/* Boots UC number uc with the directory root as its host root. */
void client_boot(struct client *c, int i, uint32_t uc, uint64_t memory_limit, const char *root);
struct control_stat client_stat(struct client *c, int i, uint32_t uc);
/* Returns once uc has used ns of processor time from now on, and runs. */
void client_await_cpu(struct client *c, int i, uint32_t uc, uint64_t ns);
/* CONTROL_CAPTURE; 0 or the errno of the reply. */
int client_capture(struct client *c, int i, uint32_t uc, uint64_t snapshot, bool keep,
		   struct control_captured *out);
/* CONTROL_DEPLOY; 0 or the errno of the reply. */
int client_deploy(struct client *c, int i, uint32_t uc, uint64_t snapshot);

/* CONTROL_DEMOTE; 0 or the errno of the reply. */
int client_demote(struct client *c, int i, uint32_t uc, uint64_t snapshot, struct control_demoted *out);
/* CONTROL_RESET; 0 or the errno of the reply. */
int client_reset(struct client *c, int i, uint32_t uc);
/* CONTROL_PROMOTE; 0 or the errno of the reply. */
int client_promote(struct client *c, int i, uint32_t uc);

enum probe_end { PROBE_ANSWERED, PROBE_ENDED, PROBE_SILENT };
/* Asks the probe in a UC; PROBE_ENDED leaves its exit in c->last_exit. */
enum probe_end client_probe(struct client *c, int i, uint32_t uc, const struct probe_call *call,
			    struct probe_result *result);
/* The same, for one that may be silent for so long. */
enum probe_end client_probe_within(struct client *c, int i, uint32_t uc, const struct probe_call *call,
				   int silence_ms, struct probe_result *result);
/* Waits for the end of a UC. */
void client_await_exit(struct client *c, int i, uint32_t uc);

#endif
