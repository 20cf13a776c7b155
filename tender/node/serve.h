/* One tender: bound to a core, it serves one control socket. */
#ifndef TENDER_SERVE_H
#define TENDER_SERVE_H

struct launch;

/* Until the node closes the control socket; ends the process. */
void serve(const struct launch *l) __attribute__((noreturn));

#endif
